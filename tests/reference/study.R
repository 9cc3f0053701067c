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
keep_ratio <- function(m, ...) {
  found <- summary(m)
  keep(found$conf.int[1, 1], ..., "hr")
  keep(found$conf.int[1, 3], ..., "ci_low")
  keep(found$conf.int[1, 4], ..., "ci_high")
  keep(found$coefficients[1, "Pr(>|z|)"], ..., "p")
}
model <- function(names) as.formula(paste("Surv(t, e) ~", paste(names, collapse = " + ")))

# propensity score; `take` gives everybody a set (0: none): in the order given, the nearest free control within the caliper
g <- glm(as.formula(paste("treated ~", paste(covariates, collapse = " + "))), binomial, d, epsilon = 1e-15, maxit = 50)
logit <- round(predict(g), 10)  # equal patients are equal in spite of rounding
probability <- round(fitted(g), 12)
take <- function(score, caliper, ordered, rounds = 1, stratum = rep(1, nrow(d))) {
  set <- integer(nrow(d))
  free <- d$treated == 0
  for (k in seq_len(rounds)) for (i in ordered) {
    place <- ifelse(stratum == stratum[i], 0, NA)
    place[!is.na(place)] <- order(order(score[!is.na(place)]))
    distance <- ifelse(free & !is.na(place), abs(score - score[i]), Inf)
    if (min(distance) > caliper) next
    near <- which(distance == min(distance))
    near <- near[order(place[near] > place[i], abs(place[near] - place[i]))][1]  # the left one, next to the patient
    set[c(i, near)] <- i
    free[near] <- FALSE
  }
  set
}
treated <- which(d$treated == 1)
largest <- treated[order(-logit[treated])]
caliper <- 0.2 * sd(predict(g))
d$pair <- pair <- take(logit, caliper, largest)
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
    restricted <- list()
    for (arm in arms) {
      s <- survfit(Surv(t, e) ~ 1, x[x$id == arm, ])
      name <- paste("kaplan_meier", cohort, endpoint, arm, sep = ".")
      median <- summary(s)$table
      keep(median[["median"]], name, "median.estimate")
      keep(median[["0.95LCL"]], name, "median.ci_low")
      keep(median[["0.95UCL"]], name, "median.ci_high")
      plain <- survfit(Surv(t, e) ~ 1, x[x$id == arm, ], conf.type = "plain")
      for (curve in list(list(s, ".survival."), list(plain, ".survival_spss."))) {
        at <- summary(curve[[1]], times = times[times <= max(s$time)])
        for (i in seq_along(at$time)) {
          rate <- paste0(name, curve[[2]], at$time[i], "m")
          keep(100 * at$surv[i], rate, "estimate")
          keep(100 * at$std.err[i], rate, "se")
          keep(100 * at$lower[i], rate, "ci_low")
          keep(100 * at$upper[i], rate, "ci_high")
        }
      }
      mean <- summary(s, rmean = max(times))$table[c("rmean", "se(rmean)")]
      restricted[[arm]] <- mean
      keep(mean[[1]], "restricted_mean", cohort, endpoint, arm, paste0(max(times), "m.estimate"))
      keep(mean[[2]], "restricted_mean", cohort, endpoint, arm, paste0(max(times), "m.se"))
      if (endpoint == "os") {
        keep(summary(survfit(Surv(t, 1 - e) ~ 1, x[x$id == arm, ]))$table[["median"]], "follow_up", cohort, "os", arm, "median.estimate")
      }
    }
    test <- survdiff(Surv(t, e) ~ id, x)
    keep(test$chisq, "logrank", cohort, endpoint, "chi_square")
    keep(pchisq(test$chisq, 1, lower.tail = FALSE), "logrank", cohort, endpoint, "p")
    for (i in 1:2) keep(test$exp[i], "logrank", cohort, endpoint, arms[i], "events.expected")
    x$own <- if (cohort == "matched") x$pair else seq_len(nrow(x))  # whoever is alone is a cluster alone
    clustered <- function(formula, x, ties = "efron") {
      if (cohort == "matched") coxph(formula, x, ties = ties, cluster = own, x = TRUE) else coxph(formula, x, ties = ties, x = TRUE)
    }
    m <- clustered(Surv(t, e) ~ treated, x)
    keep_ratio(m, "cox_treatment", cohort, endpoint, "arm.len")
    keep(cox.zph(m)$table[1, "p"], "cox_treatment", cohort, endpoint, "arm.len.p_proportional")
    name <- paste("restricted_mean", cohort, endpoint, paste0(max(times), "m"), sep = ".")
    difference <- restricted$len[[1]] - restricted$sora[[1]]
    se <- sqrt(restricted$len[[2]]^2 + restricted$sora[[2]]^2)
    keep(difference, name, "difference")
    keep(se, name, "se")
    keep(difference - qnorm(0.975) * se, name, "ci_low")
    keep(2 * pnorm(-abs(difference / se)), name, "p")
    for (by in c(if (cohort == "matched") "pair", "hospital")) {
      x$stratum <- x[[by]]
      test <- survdiff(Surv(t, e) ~ id + strata(stratum), x)
      keep(test$chisq, "logrank_alternative", cohort, endpoint, paste0("stratified_by_", by), "chi_square")
      fit <- if (by == "pair") coxph else clustered
      keep_ratio(fit(Surv(t, e) ~ treated + strata(stratum), x), "cox_alternative", cohort, endpoint, paste0("stratified_by_", by), "len")
    }
    keep_ratio(clustered(Surv(t, e) ~ treated, x, ties = "breslow"), "cox_alternative", cohort, endpoint, "breslow_ties.len")
    if (cohort == "all") next
    keep_ratio(coxph(Surv(t, e) ~ treated, x), "cox_alternative", cohort, endpoint, "pairs_ignored.len")
    p <- sapply(characteristics, function(name) summary(coxph(model(name), x))$logtest[["pvalue"]])
    for (name in characteristics) {
      keep(p[[name]], "cox_univariable.matched", endpoint, name, "p")
      keep(cox.zph(clustered(model(name), x))$table["GLOBAL", "p"], "cox_univariable.matched", endpoint, name, "p_proportional")
    }
    together <- model(c("I(id == 'sora')", characteristics[p < 0.05]))
    name <- paste0("cox_multivariable.matched.", endpoint)
    robust <- clustered(together, x)
    keep_ratio(robust, name, "arm.sora")
    keep(cox.zph(robust)$table["GLOBAL", "p"], name, "model.p_proportional")
    for (i in seq_along(robust$assign)[-1]) if (length(robust$assign[[i]]) > 1) {
      at <- robust$assign[[i]]
      wald <- sum(coef(robust)[at] * solve(vcov(robust)[at, at], coef(robust)[at]))
      keep(pchisq(wald, length(at), lower.tail = FALSE), name, names(robust$assign)[i], "p")
      keep(cox.zph(robust)$table[i, "p"], name, names(robust$assign)[i], "p_proportional")
    }
    m <- coxph(together, x)
    keep_ratio(m, sub("multivariable", "multivariable_naive", name), "arm.sora")
    keep(summary(m)$logtest[["test"]], name, "model.likelihood_ratio.chi_square")
    keep(summary(m)$sctest[["test"]], name, "model.score.chi_square")
    keep(summary(robust)$concordance[[1]], name, "concordance.estimate")
    keep(summary(robust)$concordance[[2]], name, "concordance.se")
    if (endpoint == "pfs") next
    for (level in c("No", "Yes")) {
      test <- survdiff(Surv(t, e) ~ id, x[x$tace == level, ])
      keep(test$chisq, "logrank.matched.os", slug(paste("tace", level)), "chi_square")
    }
    for (arm in arms) keep(survdiff(Surv(t, e) ~ tace, x[x$id == arm, ])$chisq, "logrank.matched.os.tace_yes_vs_no", arm, "chi_square")
    keep(anova(coxph(Surv(t, e) ~ treated + tace, x), coxph(Surv(t, e) ~ treated * tace, x))[2, 4], "interaction.matched.os.arm_x_tace.p")
  }
}

# sensitivity: other ways to match, then other endpoints
hospital <- d$hospital
ways <- list(
  probability = take(probability, 0.2 * sd(fitted(g)), treated[order(-probability[treated])]),
  probability_width = take(probability, 0.2, treated[order(-probability[treated])]),
  narrow_caliper = take(logit, 0.1 * sd(predict(g)), largest),
  smallest_first = take(logit, caliper, treated[order(logit[treated])]),
  data_order = take(logit, caliper, treated),
  within_hospital = take(logit, caliper, unlist(lapply(sort(unique(hospital)), function(h) largest[hospital[largest] == h])), 1, hospital),
  two_controls = take(logit, caliper, largest, 2)
)
for (way in names(ways)) {
  d$set <- ways[[way]]
  size <- table(d$set[d$treated == 0])
  d$w <- ifelse(d$treated == 1, 1, 1 / as.numeric(size[as.character(d$set)]))
  x <- d[d$set > 0, ]
  x$w[x$treated == 0] <- x$w[x$treated == 0] / mean(x$w[x$treated == 0])
  for (arm in arms) keep(sum(x$id == arm), "sensitivity.matched", arm, way, "patients.n")
  differences <- unlist(lapply(covariates, function(name) sapply(unique(d[[name]]), function(level) {
    p <- sapply(arms, function(arm) weighted.mean(x[[name]][x$id == arm] == level, x$w[x$id == arm]))
    before <- sapply(arms, function(arm) mean(d[[name]][d$id == arm] == level))
    abs(p[1] - p[2]) / sqrt(mean(before * (1 - before)))
  })))
  keep(max(differences), "sensitivity.matched", way, "largest_covariate.abs_smd")
  for (endpoint in c("os", "pfs")) {
    x$t <- x[[paste0(endpoint, "_days")]] / month
    x$e <- x[[paste0(endpoint, "_event")]]
    m <- if (way == "two_controls") coxph(Surv(t, e) ~ treated, x, weights = w, cluster = set) else coxph(Surv(t, e) ~ treated, x, cluster = set)
    keep_ratio(m, "sensitivity.matched", endpoint, way)
  }
}
others <- list(
  progression_only = c("pfs_days", "pfs_progression_only_event"), last_assessment = c("pfs_last_assessment_days", "pfs_event"),
  two_missed = c("pfs_two_missed_days", "pfs_two_missed_event"), new_therapy = c("pfs_new_therapy_days", "pfs_new_therapy_event")
)
for (name in names(others)) {
  d$t <- d[[others[[name]][1]]] / month
  d$e <- d[[others[[name]][2]]]
  keep(sum(d[[others[[name]][1]]] != d$pfs_days | d$e != d$pfs_event), "sensitivity.all.pfs", name, "changed.n")
  keep_ratio(coxph(Surv(t, e) ~ treated, d), "sensitivity.all.pfs", name)
  keep_ratio(coxph(Surv(t, e) ~ treated, d[pair > 0, ], cluster = pair), "sensitivity.matched.pfs", name)
}
writeLines(c("result_id,value", out), "study_results.csv")
