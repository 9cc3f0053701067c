# Reference values for the estimators of analysis/. Run in this folder: Rscript estimators.R
# R 4.2.2, survival 3.5-3, MatchIt 4.5.1 (all from Debian 12: r-base-core, r-cran-survival, r-cran-matchit). This MatchIt
# ignores calipers, so it serves only for matching without one. Data: survival::veteran (Kalbfleisch and Prentice 1980),
# written out so that Python reads the same; writes veteran.csv and estimators.csv (name, value).
library(survival)
library(MatchIt)
v <- survival::veteran
write.csv(v, "veteran.csv", row.names = FALSE, quote = FALSE)
out <- list()
keep <- function(name, x) for (i in seq_along(x)) {
  key <- if (is.null(names(x))) i else names(x)[i]
  out[[length(out) + 1]] <<- sprintf("%s.%s,%.15g", name, key, x[[i]])
}

# Kaplan-Meier per arm: curve at some times, median with limits, follow-up
for (type in c("log", "log-log", "plain")) for (arm in 1:2) {
  s <- survfit(Surv(time, status) ~ 1, v[v$trt == arm, ], conf.type = type)
  at <- summary(s, times = c(1, 30, 90, 180, 365, 500), extend = TRUE)
  name <- paste("km", type, arm, sep = ".")
  for (part in c("n.risk", "surv", "std.err", "lower", "upper")) keep(paste(name, part, sep = "."), at[[part]])
  keep(paste0(name, ".median"), summary(s)$table[c("median", "0.95LCL", "0.95UCL")])
}
keep("follow_up", summary(survfit(Surv(time, 1 - status) ~ 1, v))$table[c("median", "0.95LCL", "0.95UCL")])
# small, with a death and a censoring at the same time
keep("follow_up_ties", summary(survfit(Surv(c(2, 3, 3, 5, 8, 8, 9, 12), c(1, 0, 1, 1, 0, 1, 1, 1)) ~ 1))$table[c("median", "0.95LCL", "0.95UCL")])
# the curve is level at 0.5 between 10 and 11, and rounding puts it at 0.5000000000000002
keep("flat", summary(survfit(Surv(1:20, rep(1, 20)) ~ 1))$table[c("median", "0.95LCL", "0.95UCL")])

# heavily tied times
v$months <- ceiling(v$time / 30.4375)
tied <- survfit(Surv(months, status) ~ trt, v, conf.type = "log-log")
for (arm in 1:2) for (part in c("surv", "std.err", "lower", "upper"))
  keep(paste("km_tied", arm, part, sep = "."), summary(tied[arm], times = c(1, 2, 6, 12), extend = TRUE)[[part]])
keep("km_tied.median", c(t(summary(tied)$table[, c("median", "0.95LCL", "0.95UCL")])))

# restricted mean survival time
for (tau in c(90, 365)) keep(paste0("rmean.", tau), c(t(summary(survfit(Surv(time, status) ~ trt, v), rmean = tau)$table[, c("rmean", "se(rmean)")])))

# log-rank and Peto-Peto
test <- function(name, x) {
  df <- sum(rowSums(cbind(x$exp)) > 0) - 1
  keep(name, c(chi_square = x$chisq, p = pchisq(x$chisq, df, lower.tail = FALSE)))
  keep(paste0(name, ".obs"), rowSums(cbind(x$obs)))
  keep(paste0(name, ".exp"), rowSums(cbind(x$exp)))
}
test("logrank", survdiff(Surv(time, status) ~ celltype, v))
test("peto", survdiff(Surv(time, status) ~ celltype, v, rho = 1))
test("stratified", survdiff(Surv(time, status) ~ trt + strata(celltype), v))
test("logrank_tied", survdiff(Surv(months, status) ~ celltype, v))
test("peto_tied", survdiff(Surv(months, status) ~ celltype, v, rho = 1))
test("peto_stratified", survdiff(Surv(months, status) ~ trt + strata(celltype), v, rho = 1))

# Cox
cox <- function(name, m) {
  s <- summary(m)
  keep(paste0(name, ".coef"), unname(coef(m)))
  keep(paste0(name, ".se"), unname(sqrt(diag(vcov(m)))))
  keep(paste0(name, ".ci_low"), unname(s$conf.int[, 3]))
  keep(paste0(name, ".p"), unname(s$coefficients[, ncol(s$coefficients)]))
  keep(paste0(name, ".loglik"), m$loglik)
  keep(name, c(lr = s$logtest[["test"]], wald = m$wald.test[[1]], score = s$sctest[["test"]],
               concordance = s$concordance[[1]], concordance_se = s$concordance[[2]]))
}
m <- coxph(Surv(months, status) ~ trt + celltype + karno, v)
cox("efron", m)
z <- cox.zph(m)$table
for (column in c("chisq", "df", "p")) keep(paste0("zph.", column), z[, column])
cox("breslow", coxph(Surv(months, status) ~ trt + celltype + karno, v, ties = "breslow"))
cox("breslow_strata", coxph(Surv(months, status) ~ trt + karno + strata(celltype), v, ties = "breslow"))
cox("cox_strata", coxph(Surv(months, status) ~ trt + karno + strata(celltype), v))
cox("weighted", coxph(Surv(months, status) ~ trt + karno, v, weights = 1 + v$prior / 10, robust = TRUE))
cox("cluster", coxph(Surv(months, status) ~ trt + karno, v, cluster = age))
# everything at once
cox("all_at_once", coxph(Surv(months, status) ~ trt + karno + strata(celltype), v, weights = 1 + v$prior / 10, cluster = age))
cox("all_breslow", coxph(Surv(months, status) ~ trt + karno, v, weights = 1 + v$prior / 10, cluster = age, ties = "breslow"))
z <- cox.zph(coxph(Surv(months, status) ~ trt + karno + strata(celltype), v))$table
for (column in c("chisq", "df", "p")) keep(paste0("zph_strata.", column), z[, column])
z <- cox.zph(coxph(Surv(months, status) ~ trt + celltype + karno, v, ties = "breslow"))$table
for (column in c("chisq", "df", "p")) keep(paste0("zph_breslow.", column), z[, column])
a <- anova(coxph(Surv(months, status) ~ trt + karno, v), m)
keep("anova", c(p = a[2, ncol(a)]))

# propensity score
g <- glm(I(trt == 2) ~ celltype + karno + age + prior, binomial, v, control = glm.control(epsilon = 1e-15, maxit = 50))
keep("glm.coef", unname(coef(g)))
keep("glm_default.coef", unname(coef(glm(I(trt == 2) ~ celltype + karno + age + prior, binomial, v))))
keep("glm_early.coef", unname(coef(glm(I(trt == 2) ~ celltype + karno + age + prior, binomial, v, epsilon = 1e-2))))
keep("glm.fitted", unname(fitted(g))[1:5])

# contingency tables
keep("pearson", c(p = chisq.test(matrix(c(20, 30, 25, 25, 12, 28), 3, byrow = TRUE), correct = FALSE)$p.value,
                  statistic = chisq.test(matrix(c(20, 30, 25, 25, 12, 28), 3, byrow = TRUE), correct = FALSE)$statistic[[1]]))
keep("fisher", c(two = fisher.test(matrix(c(1, 7, 11, 3), 2))$p.value,
                 five = fisher.test(matrix(c(38, 29, 1, 4, 43, 40, 45, 31, 2, 1), 5, byrow = TRUE))$p.value,
                 square = fisher.test(matrix(c(10, 3, 1, 5, 7, 2, 2, 3, 1), 3, byrow = TRUE))$p.value))

# response rates
for (x in list(c(0, 20), c(7, 20), c(20, 20))) keep(paste0("binom.", x[1]), binom.test(x[1], x[2])$conf.int)

# matching on a heavily tied distance, and balance
match_rows <- function(name, d, ...) {
  m <- suppressWarnings(matchit(treat ~ karno, d, distance = as.numeric(d$karno), ...))
  mm <- m$match.matrix
  for (k in seq_len(ncol(mm))) keep(paste0("match.", name, ".", k), setNames(as.numeric(mm[, k]), rownames(mm)))
  m
}
v$treat <- as.integer(v$trt == 2)
few <- v[v$treat == 1 | cumsum(v$treat == 0) <= 40, ]  # fewer controls than treated patients
many <- v[v$treat == 0 | cumsum(v$treat == 1) <= 25, ]  # more than two controls for each
for (order in c("largest", "smallest", "data")) {
  match_rows(paste0("few_", order), few, m.order = order)
  match_rows(paste0("ratio_", order), many, m.order = order, ratio = 2)
  match_rows(paste0("exact_", order), v, m.order = order, exact = ~celltype)
}
# 30 treated patients and two controls each for most, one for some: weights differ
uneven <- v[(v$treat == 1 & cumsum(v$treat == 1) <= 40) | v$treat == 0, ]
m <- match_rows("uneven", uneven, ratio = 2)
keep("match_weights", setNames(m$weights, rownames(uneven)))
s <- summary(m, addlvariables = ~ age + celltype, data = uneven)
for (part in c("sum.all", "sum.matched")) for (row in c("karno", "age", paste0("celltype", levels(v$celltype))))
  keep(paste("balance", part, row, sep = "."), s[[part]][row, c("Means Treated", "Means Control", "Std. Mean Diff.", "Var. Ratio", "eCDF Max")])
keep("ks", c(age = suppressWarnings(ks.test(v$age[v$trt == 2], v$age[v$trt == 1])$statistic[[1]])))

# pairs as strata and as clusters
mm <- matchit(treat ~ karno, many, distance = as.numeric(many$karno))$match.matrix[, 1]
p <- rbind(cbind(v[names(mm), ], pair = seq_along(mm)), cbind(v[mm, ], pair = seq_along(mm)))
test("by_pair", survdiff(Surv(time, status) ~ trt + strata(pair), p))
cox("cox_by_pair", coxph(Surv(time, status) ~ trt + strata(pair), p))
cox("cox_pair_cluster", coxph(Surv(time, status) ~ trt, p, cluster = pair))

writeLines(c("name,value", unlist(out)), "estimators.csv")
