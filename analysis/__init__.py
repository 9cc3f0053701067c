"""From the store to the numbers of a paper: a study's specification goes in, results, figures and reports come out."""
