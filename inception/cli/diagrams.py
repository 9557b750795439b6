def diagram(): "Draw a model, or one of its blocks."
