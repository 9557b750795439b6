"""Rooms: a teacher and a class look at the same page, and answers are counted without anyone's name.

A room lives in a database, so that it survives a reload and a restart, and several servers can share it.
"""
