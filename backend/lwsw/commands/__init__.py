"""The commands of ``lwsw``, one module each. ``add(commands, words)`` declares a command; what is heavy is loaded when it runs.

stylize.py region.py    ``lwsw stylize``, and how its ``--region`` is read
job.py                  ``lwsw job status | resume``
sweep.py                ``lwsw sweep``
evaluate.py             ``lwsw evaluate``
serve.py doctor.py      ``lwsw serve``, ``lwsw doctor``
running.py              runs a job in this process and says how it goes
output.py               the progress line, JSON
"""
