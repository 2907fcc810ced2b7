"""The painting's colours and nothing of its strokes: the render stays as sharp as it was. For shots that must match a painted one"""

import bpy

settings = bpy.context.scene.lwsw

settings.relu1_1 = 1.0
settings.relu1_2 = 0.0
settings.relu2_1 = 0.0
settings.relu2_2 = 0.0
settings.relu3_1 = 0.0
settings.relu3_2 = 0.0
settings.relu3_3 = 0.0
settings.relu3_4 = 0.0
settings.relu4_1 = 0.0
settings.relu4_2 = 0.0
settings.relu4_3 = 0.0
settings.relu4_4 = 0.0
settings.relu5_1 = 0.0
settings.relu5_2 = 0.0
settings.relu5_3 = 0.0
settings.relu5_4 = 0.0
settings.content_weight = 4.0
settings.profile = "CUSTOM"
settings.automatic_stroke_size = False
settings.frequency_exponent = 0.8
settings.content_layers = {"relu4_2"}
settings.normalization = "CALIBRATED"
settings.strength = 1.0
settings.color = "PAINTING"
settings.temporal_weight = 1.0
