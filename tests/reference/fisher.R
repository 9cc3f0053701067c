# Writes fisher.csv: R's p of tables of many shapes. Run in this folder: Rscript fisher.R (R 4.2.2).
#
# R's network algorithm counts partial tables together whose probabilities differ by less than 3.5e-7, relatively (fexact.c),
# and so errs in the tenth digit of tables of a few hundred patients and in the seventh of some of a thousand. Tables of
# three columns are therefore kept below 350 patients here; exact integers say the rest (test_fisher_reference.py).
set.seed(20261129)
out <- character()
keep <- function(m) out[length(out) + 1] <<-
  paste(nrow(m), ncol(m), paste(t(m), collapse = " "), format(fisher.test(m, workspace = 2e8)$p.value, digits = 15), sep = ",")
draw <- function(rows, columns, mean) repeat {
  m <- matrix(rpois(rows * columns, mean), rows)
  if (all(rowSums(m) > 0) && all(colSums(m) > 0)) return(m)
}
for (i in 1:12) keep(draw(2, 2, 4))
for (i in 1:12) keep(draw(5, 2, rep(c(20, 2, 40, 30, 1), 2)))
for (i in 1:6) keep(draw(8, 2, rep(c(30, 25, 20, 10, 5, 3, 2, 1), 2)))
for (i in 1:6) keep(draw(2, 6, 5))
for (i in 1:6) keep(draw(3, 3, 6))
for (i in 1:6) keep(draw(4, 3, rep(c(40, 30, 20, 3), 3)))
for (i in 1:4) keep(draw(4, 4, 2))
keep(matrix(c(900, 4, 700, 3, 500, 9, 380, 2, 10, 3), 5, byrow = TRUE))  # 2,511 patients
writeLines(c("rows,columns,counts,p", out), "fisher.csv")
