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
  keep(paste0("alpha.", level, ".follow_up"), unname(median_of(survfit(Surv(time, age %% 2) ~ 1, v, conf.int = level), level)))
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

# a covariate that changes during follow-up: the rows of tmerge, and fits to them
v$id <- seq_len(nrow(v))
v$change <- ifelse(v$id %% 3 == 0, NA, (v$id * 37) %% 200)  # never, on day 0, within, at the end, after it
v$change[v$id %% 10 == 1] <- v$time[v$id %% 10 == 1]
v$change[v$id %% 11 == 1] <- v$entry[v$id %% 11 == 1]
base <- c("id", "trt", "celltype", "karno", "age", "prior")
rows <- function(name, d) {
  for (column in c("id", "tstart", "tstop", "endpt", "tdc")) keep(paste(name, column, sep = "."), as.numeric(d[[column]]))
  d
}
tv <- function(name, d, weight = w) {
  d$w <- weight[d$id]
  cox(name, coxph(Surv(tstart, tstop, endpt) ~ trt + tdc, d, control = exact))
  cox(paste0(name, "_more"), coxph(Surv(tstart, tstop, endpt) ~ trt + tdc + karno + celltype, d, ties = "breslow", control = exact))
  cox(paste0(name, "_weighted"), coxph(Surv(tstart, tstop, endpt) ~ trt + tdc, d, weights = w, cluster = id, control = exact))
}
v$stop <- v$time
tv("split", rows("split_rows", tmerge(v[, base], v, id = id, tstop = stop, endpt = event(stop, status), tdc = tdc(change))))
tv("split_late", rows("split_late_rows", tmerge(v[, base], v, id = id, tstart = entry, tstop = stop, endpt = event(stop, status), tdc = tdc(change))))
# whole months, deaths in month 0: everybody is at risk from before 0
v$stop <- v$months
v$origin <- -1
v$change <- ifelse(v$id %% 3 == 0, NA, 1 + v$id %% 5)
tv("split_zero", rows("split_zero_rows", tmerge(v[, base], v, id = id, tstart = origin, tstop = stop, endpt = event(stop, status), tdc = tdc(change))))
cox("zero_started", coxph(Surv(origin, months, status) ~ trt + celltype + karno, v, control = exact))

# balancing weights from a propensity score
v$treat <- as.integer(v$trt == 2)
e <- fitted(glm(treat ~ celltype + karno + age + prior, binomial, v, epsilon = 1e-14, maxit = 50))
iptw <- ifelse(v$treat == 1, mean(v$treat) / e, (1 - mean(v$treat)) / (1 - e))
limits <- quantile(iptw, c(0.05, 0.95))
balancing <- list(iptw = iptw, cut = pmin(pmax(iptw, limits[1]), limits[2]), overlap = ifelse(v$treat == 1, 1 - e, e))
for (name in names(balancing)) {
  b <- balancing[[name]]
  keep(paste0("balancing.", name), unname(b))
  keep(paste0("effective.", name), sapply(c(treated = 1, control = 0), function(a) sum(b[v$treat == a])^2 / sum(b[v$treat == a]^2)))
  curve(paste0("balanced_curve.", name), survfit(Surv(months, status) ~ 1, v, weights = b, robust = TRUE, subset = trt == 2), 0.95)
  cox(paste0("balanced_cox.", name), coxph(Surv(months, status) ~ trt, v, weights = b, robust = TRUE, control = exact))
  for (x in c("karno", "age")) {
    at <- lapply(c(1, 0), function(a) weighted.mean(v[[x]][v$treat == a], b[v$treat == a]))
    sds <- sqrt((var(v[[x]][v$treat == 1]) + var(v[[x]][v$treat == 0])) / 2)
    keep(paste("weighted_balance", name, x, sep = "."), c(treated = at[[1]], control = at[[2]], smd = (at[[1]] - at[[2]]) / sds,
         smd_treated = (at[[1]] - at[[2]]) / sd(v[[x]][v$treat == 1])))
  }
}

# restricted cubic splines
piled <- function(x, low, high) pmin(pmax(x, quantile(x, low)), quantile(x, high))
set.seed(20)
wide <- round(rlnorm(150, 3), 3)  # few ties, two ends of one value
splines <- list(all = v$karno + v$age / 100, ties = v$age, few = v$time[1:60], few_ties = v$age[1:60], low = piled(wide, 0.08, 1),
                high = piled(wide, 0, 0.93), both = piled(wide, 0.2, 0.9), low_few = piled(wide[1:90], 0.2, 1), both_few = piled(wide[1:110], 0.1, 0.9))
for (name in names(splines)) {
  x <- splines[[name]]
  keep(paste0("spline_values.", name), x)
  for (nk in 3:7) {
    k <- rcspline.eval(x, nk = nk, knots.only = TRUE)
    keep(paste("knots", name, nk, sep = "."), unname(k))
    keep(paste("spline", name, nk, sep = "."), c(rcspline.eval(x[1:6], knots = k, inclx = TRUE, norm = 2)))
  }
}

# rank tests
rank_test <- function(name, t) keep(name, c(statistic = t$statistic[[1]], df = t$parameter[[1]], p = t$p.value))
rank_test("kruskal.three", kruskal.test(karno ~ factor(id %% 3), v))
rank_test("kruskal.celltype", kruskal.test(diagtime ~ celltype, v))
rank_test("kruskal.two", kruskal.test(age ~ trt, v))
keep("wilcoxon", wilcox.test(age ~ trt, v, exact = FALSE, correct = FALSE)$p.value)

writeLines(c("name,value", unlist(out)), "weighted.csv")
