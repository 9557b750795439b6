"""Room: a class looks at the same thing, and answers questions."""

import streamlit as st

from inception.rooms.errors import RoomError
from pages.parts import frame, room_door, room_student, room_teacher
from pages.parts.literal import literal
from pages.parts.seat import seat

frame.open_page("room")
try:
    room_door.arrive()
    if seat().key:
        room_teacher.show()
    elif seat().code:
        room_student.show()
    else:
        room_door.show()
except RoomError as error:
    st.error(literal(str(error)), icon=":material/error:")
