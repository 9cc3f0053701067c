# A whole study in R: study.csv (invented patients) in, study_results.csv (result_id, value) out. Run in this folder: Rscript study.R
# R 4.2.2, survival 3.5-3. Nothing is shared with analysis/ but the protocol: propensity score, greedy matching within a
# caliper, Table 1, balance, Kaplan-Meier, log-rank, Cox models, response rates, subgroups.
library(survival)
d <- read.csv("study.csv", check.names = FALSE)
month <- 365.25 / 12
names(d) <- sub("_level$", "", names(d))
covariates <- c("age", "sex", "alt", "ast", "hbsag", "metastasis_organs", "metastasis_sites", "tumour_size", "tumour_number", "pvtt", "afp", "tace")
characteristics <- c(covariates, "albi", "hbv_dna", "antiviral", "cirrhosis", "portal_hypertension")
arms <- c("len", "sora")
d$id <- sub("_pd1", "", d$arm)
d$treated <- as.integer(d$id == "len")
out <- character()
keep <- function(value, ...) out[length(out) + 1] <<- sprintf("%s,%.15g", paste(..., sep = "."), value)
slug <- function(x) {
  x <- gsub("<=", "le", gsub(">=", "ge", tolower(x)))
  gsub("^_|_$", "", gsub("[^a-z0-9]+", "_", gsub("<", "lt", gsub(">", "gt", x))))
}
model <- function(names) as.formula(paste("Surv(t, e) ~", paste(names, collapse = " + ")))

# propensity score, then the largest first takes the nearest free control within 0.2 SD of the logit
g <- glm(as.formula(paste("treated ~", paste(covariates, collapse = " + "))), binomial, d, epsilon = 1e-15, maxit = 50)
logit <- round(predict(g), 10)  # equal patients are equal in spite of rounding
caliper <- 0.2 * sd(predict(g))
place <- order(order(logit))
pair <- integer(nrow(d))
free <- d$treated == 0
for (i in which(d$treated == 1)[order(-logit[d$treated == 1])]) {
  distance <- ifelse(free, abs(logit - logit[i]), Inf)
  if (min(distance) > caliper) next
  near <- which(distance == min(distance))
  near <- near[order(place[near] > place[i], abs(place[near] - place[i]))][1]  # the left one, next to the patient
  pair[c(i, near)] <- i
  free[near] <- FALSE
}
keep(sum(pair > 0) / 2, "matching.matched.pairs.n")
keep(caliper, "matching.all.caliper.width")
keep(sd(predict(g)), "matching.all.logit.sd")
cohorts <- list(all = d, matched = d[pair > 0, ])

for (cohort in names(cohorts)) {
  x <- cohorts[[cohort]]
  for (name in characteristics) {
    table <- table(x[[name]], x$id)
    test <- suppressWarnings(chisq.test(table, correct = FALSE))
    exact <- min(test$expected) < 5
    keep(if (exact) fisher.test(table)$p.value else test$p.value, "table1", cohort, name, "p")
    for (level in unique(d[[name]])) {
      p <- sapply(arms, function(arm) mean(x[[name]][x$id == arm] == level))
      before <- sapply(arms, function(arm) mean(d[[name]][d$id == arm] == level))
      keep((p[1] - p[2]) / sqrt(mean(before * (1 - before))), "balance", cohort, name, slug(level), "smd")
      keep(abs(p[1] - p[2]), "balance", cohort, name, slug(level), "ks")
    }
  }
  for (m in c(3, 6)) {
    response <- x[[paste0("response_", m, "_months")]]
    for (rate in c("orr", "dcr")) {
      counted <- response %in% c("CR", "PR", if (rate == "dcr") "SD")
      for (arm in arms) {
        test <- binom.test(sum(counted[x$id == arm]), sum(x$id == arm))
        name <- paste("response", cohort, arm, rate, paste0(m, "m"), sep = ".")
        keep(100 * test$estimate, name, "pct")
        keep(100 * test$conf.int[1], name, "ci_low")
        keep(100 * test$conf.int[2], name, "ci_high")
      }
    }
  }
  for (endpoint in c("os", "pfs")) {
    x$t <- x[[paste0(endpoint, "_days")]] / month
    x$e <- x[[paste0(endpoint, "_event")]]
    times <- if (endpoint == "os") c(6, 12, 24) else c(3, 6, 12)
    for (arm in arms) {
      s <- survfit(Surv(t, e) ~ 1, x[x$id == arm, ])
      name <- paste("kaplan_meier", cohort, endpoint, arm, sep = ".")
      median <- summary(s)$table
      keep(median[["median"]], name, "median.estimate")
      keep(median[["0.95LCL"]], name, "median.ci_low")
      keep(median[["0.95UCL"]], name, "median.ci_high")
      at <- summary(s, times = times[times <= max(s$time)])
      for (i in seq_along(at$time)) {
        rate <- paste0(name, ".survival.", at$time[i], "m")
        keep(100 * at$surv[i], rate, "estimate")
        keep(100 * at$lower[i], rate, "ci_low")
        keep(100 * at$upper[i], rate, "ci_high")
      }
      if (endpoint == "os") {
        keep(summary(survfit(Surv(t, 1 - e) ~ 1, x[x$id == arm, ]))$table[["median"]], "follow_up", cohort, "os", arm, "median.estimate")
      }
    }
    test <- survdiff(Surv(t, e) ~ id, x)
    keep(test$chisq, "logrank", cohort, endpoint, "chi_square")
    keep(pchisq(test$chisq, 1, lower.tail = FALSE), "logrank", cohort, endpoint, "p")
    for (i in 1:2) keep(test$exp[i], "logrank", cohort, endpoint, arms[i], "events.expected")
    m <- coxph(Surv(t, e) ~ treated, x)
    name <- paste("cox_treatment", cohort, endpoint, "arm.len", sep = ".")
    keep(exp(coef(m)), name, "hr")
    keep(summary(m)$conf.int[3], name, "ci_low")
    keep(summary(m)$conf.int[4], name, "ci_high")
    keep(summary(m)$coefficients[5], name, "p")
    keep(cox.zph(m)$table[1, "p"], "proportional_hazards", cohort, endpoint, "arm.len.p")
    if (cohort == "all") next
    p <- sapply(characteristics, function(name) summary(coxph(model(name), x))$logtest[["pvalue"]])
    for (name in characteristics) keep(p[[name]], "cox_univariable.matched", endpoint, name, "p")
    m <- coxph(model(c("I(id == 'sora')", characteristics[p < 0.05])), x)
    name <- paste0("cox_multivariable.matched.", endpoint)
    keep(exp(coef(m))[[1]], name, "arm.sora.hr")
    keep(summary(m)$conf.int[1, 3], name, "arm.sora.ci_low")
    keep(summary(m)$coefficients[1, 5], name, "arm.sora.p")
    keep(summary(m)$logtest[["test"]], name, "model.likelihood_ratio.chi_square")
    keep(summary(m)$sctest[["test"]], name, "model.score.chi_square")
    keep(summary(m)$concordance[[1]], name, "concordance.estimate")
    keep(summary(m)$concordance[[2]], name, "concordance.se")
    if (endpoint == "pfs") next
    for (level in c("No", "Yes")) {
      test <- survdiff(Surv(t, e) ~ id, x[x$tace == level, ])
      keep(test$chisq, "logrank.matched.os", slug(paste("tace", level)), "chi_square")
    }
    for (arm in arms) keep(survdiff(Surv(t, e) ~ tace, x[x$id == arm, ])$chisq, "logrank.matched.os.tace_yes_vs_no", arm, "chi_square")
    keep(anova(coxph(Surv(t, e) ~ treated + tace, x), coxph(Surv(t, e) ~ treated * tace, x))[2, 4], "interaction.matched.os.arm_x_tace.p")
  }
}
writeLines(c("result_id,value", out), "study_results.csv")
