"""Studies: functions from finished benchmark runs to exhibits, one file each.

table2  methods × benchmarks, beside what was published        fig4  rounds and templates against difficulty
table3  base models alone and with a template                  fig5  cost by difficulty, and at equal token cost
"""
