"""Where a network looks: which pixels speak for a class, or for the likeness of two faces.

Grad-CAM and LayerCAM ask a layer (`cams`), integrated gradients ask the gradient (`gradients`), occlusion hides a part
and looks what happens (`occlusion`). What is explained is one number, the score (`score`). Which of them tells most is
measured (`quality`), and the page opens on that (`choice`).
"""
