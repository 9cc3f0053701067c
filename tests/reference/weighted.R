# Reference values for weighted, start-stop and other estimators of analysis/ that `estimators.R` does not cover. Run in this folder:
# Rscript weighted.R. R 4.2.2, survival 3.5-3, Hmisc 4.8 (all from Debian 12: r-base-core, r-cran-survival, r-cran-hmisc).
# Data: survival::veteran, as in veteran.csv; writes weighted.csv (name, value).
suppressMessages({library(survival); library(Hmisc)})
v <- survival::veteran
out <- list()
keep <- function(name, x) for (i in seq_along(x)) {
  key <- if (is.null(names(x))) i else names(x)[i]
  out[[length(out) + 1]] <<- sprintf("%s.%s,%.15g", name, key, x[[i]])
}
exact <- suppressWarnings(coxph.control(eps = 1e-14, iter.max = 50))
v$months <- floor(v$time / 30.4375)  # many ties, deaths in month 0 among them
w <- 0.2 + v$karno / 50 + v$prior / 7

# limits other than 95 %
median_of <- function(s, level) summary(s)$table[c("median", paste0(level, c("LCL", "UCL")))]
cut <- c(0, 1, 3, 6, 12)
curve <- function(name, s, level) {
  at <- summary(s, times = cut, extend = TRUE)
  for (part in c("n.risk", "surv", "std.err", "lower", "upper")) keep(paste(name, part, sep = "."), at[[part]])
  keep(paste0(name, ".median"), unname(median_of(s, level)))
}
for (level in c(0.9, 0.99)) {
  for (type in c("log", "log-log", "plain"))
    curve(paste("alpha", level, type, sep = "."), survfit(Surv(months, status) ~ 1, v, conf.type = type, conf.int = level), level)
  keep(paste0("alpha.", level, ".follow_up"), unname(median_of(survfit(Surv(time, 1 - status) ~ 1, v, conf.int = level), level)))
  s <- summary(coxph(Surv(months, status) ~ trt + celltype + karno, v, control = exact), conf.int = level)$conf.int
  keep(paste0("alpha.", level, ".cox_low"), unname(s[, 3]))
  keep(paste0("alpha.", level, ".cox_high"), unname(s[, 4]))
  for (x in c(0, 7, 20)) keep(paste0("alpha.", level, ".binom.", x), binom.test(x, 20, conf.level = level)$conf.int)
  for (x in c(7, 20)) keep(paste0("alpha.", level, ".wilson.", x), prop.test(x, 20, conf.level = level, correct = FALSE)$conf.int)
  r <- summary(survfit(Surv(time, status) ~ trt, v), rmean = 180)$table
  d <- r[2, "rmean"] - r[1, "rmean"]
  keep(paste0("alpha.", level, ".rmean"), d + c(-1, 1) * qnorm(1 - (1 - level) / 2) * sqrt(sum(r[, "se(rmean)"]^2)))
}

# weighted curves
for (type in c("log", "log-log", "plain")) {
  curve(paste0("weighted.", type), survfit(Surv(months, status) ~ 1, v, weights = w, robust = TRUE, conf.type = type), 0.95)
  curve(paste0("clustered.", type), survfit(Surv(months, status) ~ 1, v, weights = w, robust = TRUE, cluster = age, conf.type = type), 0.95)
}
curve("unweighted_clustered", survfit(Surv(months, status) ~ 1, v, robust = TRUE, cluster = age), 0.95)
curve("weighted_90", survfit(Surv(months, status) ~ 1, v, weights = w, robust = TRUE, conf.int = 0.9), 0.9)
# the whole curve, down to 0
for (type in c("log", "plain")) {
  s <- survfit(Surv(months, status) ~ 1, v, weights = w, robust = TRUE, cluster = age, subset = trt == 1, conf.type = type)
  for (part in c("time", "n.risk", "n.event", "n.censor", "surv", "std.err", "lower", "upper")) keep(paste("whole", type, part, sep = "."), s[[part]])
}

# robust score, joint Wald tests and proportional hazards of robust and start-stop fits
v$entry <- pmin(v$age %% 20, v$time - 1)
v$stop <- ceiling(v$time / 30.4375)
v$start <- pmin(v$age %% 4, v$stop - 1)
cox <- function(name, m) {
  s <- summary(m)
  keep(paste0(name, ".coef"), unname(coef(m)))
  keep(paste0(name, ".se"), unname(sqrt(diag(vcov(m)))))
  keep(paste0(name, ".ci_low"), unname(s$conf.int[, 3]))
  keep(paste0(name, ".p"), unname(s$coefficients[, ncol(s$coefficients)]))
  keep(paste0(name, ".loglik"), m$loglik)
  keep(name, c(lr = s$logtest[["test"]], wald = m$wald.test[[1]], score = s$sctest[["test"]],
               concordance = s$concordance[[1]], concordance_se = s$concordance[[2]]))
  if (!is.null(s$robscore)) keep(name, c(robust_score = s$robscore[["test"]], robust_score_p = s$robscore[["pvalue"]]))
  z <- cox.zph(m)$table
  for (column in c("chisq", "df", "p")) keep(paste0(name, ".zph_", column), unname(z[, column]))
  i <- m$assign$celltype
  if (!is.null(i)) keep(name, c(wald_celltype = drop(coef(m)[i] %*% solve(vcov(m)[i, i], coef(m)[i]))))
}
f <- Surv(months, status) ~ trt + celltype + karno
cox("right", coxph(f, v, control = exact))
cox("right_weighted", coxph(f, v, weights = w, robust = TRUE, control = exact))
cox("right_clustered", coxph(f, v, cluster = age, control = exact))
cox("right_both", coxph(f, v, weights = w, cluster = age, control = exact))
cox("right_breslow", coxph(f, v, weights = w, cluster = age, ties = "breslow", control = exact))
cox("right_strata", coxph(Surv(months, status) ~ trt + karno + strata(celltype), v, weights = w, cluster = age, control = exact))
f <- Surv(start, stop, status) ~ trt + celltype + karno
cox("late", coxph(f, v, control = exact))
cox("late_clustered", coxph(f, v, cluster = age, control = exact))
cox("late_both", coxph(f, v, weights = w, cluster = age, control = exact))
cox("late_breslow", coxph(f, v, weights = w, cluster = age, ties = "breslow", control = exact))
cox("late_strata", coxph(Surv(start, stop, status) ~ trt + karno + strata(celltype), v, weights = w, cluster = age, control = exact))

writeLines(c("name,value", unlist(out)), "weighted.csv")
