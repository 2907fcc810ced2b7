"""The study of layer weights: which pictures, which measures, which experiments, and the report they end in.

pictures.py      paintings and contents at the study's size, and a pan over a content whose motion is known
bench.py         paints one picture and measures it; what is painted once is kept
experiments.py   what is varied, one function per question
baseline.py      the package pastiche beside our normalization ``gatys``
figures.py       contact sheets and plots
report.py        docs/study.md
"""
