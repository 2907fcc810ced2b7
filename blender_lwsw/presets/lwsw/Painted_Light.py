"""Strokes and light of the painting, in the colours of the render. For characters and brands whose colours are fixed"""

import bpy

settings = bpy.context.scene.lwsw

settings.relu1_1 = 0.5
settings.relu1_2 = 0.0
settings.relu2_1 = 1.0
settings.relu2_2 = 0.0
settings.relu3_1 = 2.0
settings.relu3_2 = 0.0
settings.relu3_3 = 0.0
settings.relu3_4 = 0.0
settings.relu4_1 = 2.0
settings.relu4_2 = 0.0
settings.relu4_3 = 0.0
settings.relu4_4 = 0.0
settings.relu5_1 = 1.0
settings.relu5_2 = 0.0
settings.relu5_3 = 0.0
settings.relu5_4 = 0.0
settings.content_weight = 0.8
settings.profile = "CUSTOM"
settings.automatic_stroke_size = True
settings.frequency_exponent = 0.5
settings.content_layers = {"relu4_2"}
settings.normalization = "CALIBRATED"
settings.strength = 1.3
settings.color = "LUMINANCE"
settings.temporal_weight = 1.0
