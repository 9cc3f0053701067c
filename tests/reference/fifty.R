# Fifty specifications in R: fifty.csv (invented patients) and fifty_specs.csv (one key a row) in, fifty_results.csv out: specification,
# result_id, value, and where it differs the value by coxph as it is without being told (as_default; it stops some 1e-8 short of the maximum). Run in
# this folder: Rscript fifty.R. R 4.2.2, survival 3.5-3, Hmisc 4.8 (Debian 12). Nothing is shared with analysis/ but what docs/studies.md says.
suppressMessages({library(survival); library(Hmisc)})
d0 <- read.csv("fifty.csv", check.names = FALSE, na.strings = "", stringsAsFactors = FALSE)
for (name in grep("event$|^has_", names(d0))) d0[[name]] <- d0[[name]] == "true"
for (name in grep("_date$", names(d0))) d0[[name]] <- as.Date(d0[[name]])
controls <- list(value = suppressWarnings(coxph.control(eps = 1e-14, iter.max = 50)), as_default = coxph.control())
out <- character()
control <- alpha <- unit <- landmark <- knots <- now <- NA  # of the specification at hand
slug <- function(x) {
  x <- gsub("<=", "le", gsub(">=", "ge", tolower(x)))
  gsub("^_|_$", "", gsub("[^a-z0-9]+", "_", gsub("<", "lt", gsub(">", "gt", x))))
}
# parts of an id joined by dots, without the empty ones; times such as 12m are left as they are
keep <- function(value, ...) out[length(out) + 1] <<- sprintf("%s,%s,%.12g", now, paste(c(...), collapse = "."), value)
keep_all <- function(values, ...) for (name in names(values)) keep(values[[name]], c(...), name)
numbers <- function(x) as.numeric(unlist(x))
p_of <- function(chi_square, df) pchisq(chi_square, df, lower.tail = FALSE)

# a specification: part, item and key name its values
read_one <- function(rows) lapply(split(rows, factor(rows$part, unique(rows$part))), function(part) {
  part$item[is.na(part$item)] <- "all"
  lapply(split(part, factor(part$item, unique(part$item))), function(item) setNames(strsplit(item$value, "|", fixed = TRUE), item$key))
})

# who is analysed
meets <- function(d, where) {
  x <- d[[where$column]]
  holds <- !is.na(x)
  if (!is.null(where$any_of)) holds <- holds & x %in% where$any_of
  if (!is.null(where$none_of)) holds <- holds & !x %in% where$none_of
  if (!is.null(where$at_least)) holds <- holds & x >= numbers(where$at_least)
  if (!is.null(where$below)) holds <- holds & x < numbers(where$below)
  holds
}
follow <- function(d, endpoint) {  # days and event; a day without a word on the event is not known
  days <- d[[endpoint$time_column]]
  event <- d[[endpoint$event_column]]
  if (!is.null(endpoint$not_happened)) {
    other <- d[[sub("censored at ", "", endpoint$not_happened)]]
    days <- ifelse(is.na(event), ifelse(is.na(days), other, NA), ifelse(is.na(days) & !event, other, days))
    event <- !is.na(event) & event
  }
  data.frame(days, event)
}
choose <- function(s) {
  d <- d0
  if (!is.null(s$population$all$hospitals)) d <- d[d$hospital %in% s$population$all$hospitals, ]
  known <- !is.null(s$study$all$arm_column)
  stays <- if (known) !is.na(d[[s$study$all$arm_column]]) else rep(TRUE, nrow(d))
  for (endpoint in s$endpoints) stays <- stays & complete.cases(follow(d, endpoint))
  is_in <- function(d, arm) {
    holds <- if (is.null(arm$code)) meets(d, arm) else d[[s$study$all$arm_column]] == arm$code
    !is.na(holds) & holds
  }
  step <- function(name, holds) {
    keep_counts <- function(own, ...) keep_all(list(n_before = sum(own), n_removed = sum(own & !holds), n_after = sum(own & holds)), ..., name)
    keep_counts(rep(TRUE, nrow(d)), "flow")
    for (arm in arms) keep_counts(is_in(d, s$arms[[arm]]), "flow_by_arm", arm)
    d <<- d[holds, ]
  }
  step("outcome_recorded", stays)
  for (name in names(s$filters)) step(name, meets(d, s$filters[[name]]))
  if (landmark > 0) step("at_risk_at_landmark", Reduce(`&`, lapply(s$endpoints, function(e) follow(d, e)$days >= landmark)))
  d$treated <- as.integer(is_in(d, s$arms$new))
  stopifnot(all(is_in(d, s$arms$old) == (d$treated == 0)))
  d$arm <- ifelse(d$treated == 1, "new", "old")
  keep(nrow(d), "flow.analysed.n")
  for (arm in arms) keep(sum(d$arm == arm), "flow", arm, "analysed.n")
  for (h in unique(d$hospital)) {
    keep(sum(d$hospital == h), "flow", h, "analysed.n")
    for (arm in arms) keep(sum(d$hospital == h & d$arm == arm), "flow", h, arm, "analysed.n")
  }
  d
}

# characteristics
as_days <- function(d, column) if (inherits(d[[column]], "Date")) as.numeric(d[[column]] - d$first_line_start_date) else d[[column]]
value_of <- function(d, item) {
  x <- d[[item$column]]
  if (!is.null(item$is_by_day)) return(factor(ifelse(as_days(d, item$column) %in% -9999:landmark, "Yes", "No"), c("No", "Yes")))
  if (!is.null(item$levels)) return(factor(x, item$levels))
  if (is.null(item$cuts)) return(as.numeric(x))
  signs <- if (item$at_cut == "below") c("<=", ">") else c("<", ">=")
  k <- length(item$cuts)
  between <- if (k > 1) paste0(signs[2], item$cuts[-k], " to ", signs[1], item$cuts[-1])
  cut(x, c(-Inf, numbers(item$cuts), Inf), c(paste0(signs[1], item$cuts[1]), between, paste0(signs[2], item$cuts[k])), right = item$at_cut == "below")
}
with_missing <- function(x) if (anyNA(x)) factor(ifelse(is.na(x), "Missing", as.character(x)), c(levels(x), "Missing")) else x
per_of <- function(item) if (is.null(item$per)) 1 else numbers(item$per)
column_of <- function(x, item, knots) {  # as a model takes it
  if (is.factor(x)) return(droplevels(x))
  if (is.null(knots)) return(x / per_of(item))
  rcspline.eval(x, knots = knots, inclx = TRUE, norm = 2) / per_of(item)
}
parts_of <- function(column, item) {  # what each coefficient of it is called
  if (is.factor(column)) return(slug(levels(column)[-1]))
  if (is.matrix(column)) c("linear", paste0("spline_", seq_len(ncol(column) - 1))) else paste0("per_", format(per_of(item)))
}

# the score, matched sets, weights
fit_score <- function(d, s, covariates, cohort) {
  columns <- lapply(setNames(nm = covariates), function(id) {
    x <- value_of(d, s$characteristics[[id]])
    column_of(if (is.factor(x)) with_missing(x) else x, s$characteristics[[id]], knots[[id]])
  })
  design <- do.call(cbind, lapply(columns, function(x) if (is.factor(x)) model.matrix(~x)[, -1, drop = FALSE] else as.matrix(x)))
  g <- suppressWarnings(glm(d$treated ~ design, family = binomial, epsilon = 1e-14, maxit = 50))
  names <- unlist(lapply(covariates, function(id) paste(id, parts_of(columns[[id]], s$characteristics[[id]]), sep = ".")))
  keep_all(setNames(as.list(coef(g)), paste0(c("intercept", names), ".coefficient")), "propensity", cohort)
  g
}
take <- function(score, caliper, ordered, rounds, stratum, treated) {
  set <- integer(length(score))
  free <- treated == 0
  for (k in seq_len(rounds)) for (i in ordered) {
    place <- ifelse(stratum == stratum[i], 0, NA)
    place[!is.na(place)] <- order(order(score[!is.na(place)]))
    distance <- ifelse(free & !is.na(place), abs(score - score[i]), Inf)
    if (min(distance) > caliper || is.infinite(min(distance))) next
    near <- which(distance - min(distance) < 3e-11)  # differences of rounded scores
    near <- near[order(place[near] > place[i], abs(place[near] - place[i]))][1]  # the left one, next to the patient
    set[c(i, near)] <- i
    free[near] <- FALSE
  }
  set
}
match_sets <- function(d, s) {
  m <- s$matching$all
  g <- fit_score(d, s, m$covariates, "all")
  score <- if (m$scale == "logit") predict(g) else fitted(g)
  caliper <- if (is.null(m$caliper_sd)) 0.2 * sd(score) else if (m$caliper_sd == "none") Inf else numbers(m$caliper_sd) * sd(score)
  if (!is.null(m$caliper_width)) caliper <- numbers(m$caliper_width)
  keep(sd(score), "matching.all", m$scale, "sd")
  if (is.finite(caliper)) keep(caliper, "matching.all.caliper.width")
  rounded <- round(score, 11)  # equal patients are equal in spite of rounding
  treated <- which(d$treated == 1)
  ordered <- switch(m$order, largest = treated[order(-rounded[treated])], smallest = treated[order(rounded[treated])], data = treated)
  strata <- lapply(m$exact, function(id) if (id == "hospital") d$hospital else with_missing(value_of(d, s$characteristics[[id]])))
  stratum <- if (length(strata)) do.call(paste, c(strata, sep = "/")) else rep("", nrow(d))
  d$set <- take(rounded, caliper, ordered, numbers(m$ratio), stratum, d$treated)
  of_set <- function(x) x[match(d$set, seq_len(nrow(d)))]
  apart <- abs(score - of_set(score))
  d$w <- (d$set > 0) / ave(d$treated == 0, d$set, FUN = sum)
  d$w[d$treated == 1] <- d$set[d$treated == 1] > 0
  controls <- d$treated == 0 & d$set > 0
  d$w[controls] <- d$w[controls] / mean(d$w[controls])
  keep(sum(d$set > 0 & d$treated == 1), "matching.matched.pairs.n")
  keep(max(apart, na.rm = TRUE), "matching.matched.distance.max")
  keep_unmatched(d, rounded, caliper, stratum)
  d
}
keep_unmatched <- function(d, score, caliper, stratum) {
  why <- sapply(which(d$set == 0), function(i) {
    if (d$treated[i] == 0) return("not_chosen")
    apart <- abs(score - score[i])[d$treated == 0 & stratum == stratum[i]]
    if (!length(apart)) return("no_control_in_the_stratum")
    if (min(apart) > caliper) "no_control_within_the_caliper" else "every_control_within_reach_went_to_others"
  })
  for (arm in arms) {
    own <- why[d$arm[d$set == 0] == arm]
    keep(length(own), "matching.all", arm, "unmatched.n")
    for (reason in unique(own)) keep(sum(own == reason), "matching.all", arm, "unmatched", reason, "n")
  }
}
weigh <- function(d, s) {
  e <- fitted(fit_score(d, s, s$weighting$all$covariates, "weighted"))
  share <- mean(d$treated)
  d$w <- if (s$weighting$all$method == "overlap") ifelse(d$treated == 1, 1 - e, e) else ifelse(d$treated == 1, share / e, (1 - share) / (1 - e))
  cut <- s$weighting$all$cut_percentiles
  if (!is.null(cut)) {
    limits <- quantile(d$w, numbers(cut) / 100)
    d$w <- pmin(pmax(d$w, limits[1]), limits[2])
  }
  keep(nrow(d), "weighting.weighted.patients.n")
  d
}
keep_sizes <- function(x, cohort) {
  keep(max(x$w), "weighting", cohort, "weight.max")
  for (arm in arms) keep(sum(x$w[x$arm == arm])^2 / sum(x$w[x$arm == arm]^2), "weighting", cohort, arm, "effective_sample_size.estimate")
}

# table 1 and balance; `weighted` says whether patients of the cohort count with weights
describe <- function(x, s, weighted, ...) {
  keep(nrow(x), ..., "patients.n")
  for (id in names(s$characteristics)) {
    v <- value_of(x, s$characteristics[[id]])
    if (!is.null(s$characteristics[[id]]$missing)) v <- factor(ifelse(is.na(v), "Missing", as.character(v)), c(levels(v), "Missing"))
    w <- if (weighted) x$w else rep(1, nrow(x))
    if (is.factor(v)) for (level in levels(v)) {
      share <- 100 * sum(w[v %in% level]) / sum(w[!is.na(v)])
      keep_all(if (weighted) list(pct = share) else list(n = sum(v %in% level), pct = share), ..., id, slug(level))
    } else {
      mean <- weighted.mean(v, w)
      if (weighted) keep_all(list(mean = mean, sd = sqrt(weighted.mean((v - mean)^2, w))), ..., id)
      else keep_all(c(mean = mean, sd = sd(v), setNames(quantile(v, 1:3 / 4), c("q1", "median", "q3"))), ..., id)
    }
  }
}
test_arms <- function(v, arm, ...) {
  if (!is.factor(v)) return(keep_all(with(kruskal.test(v, factor(arm)), list(chi_square = statistic, p = p.value)), ...))
  table <- table(droplevels(v), arm)
  if (nrow(table) < 2) return(keep(NA, ..., "p"))
  test <- suppressWarnings(chisq.test(table, correct = FALSE))
  if (min(test$expected) < 5) return(keep(fisher.test(table, workspace = 1e7)$p.value, ..., "p"))
  keep_all(list(chi_square = test$statistic, p = test$p.value), ...)
}
keep_therapy <- function(x, everybody, cohort) {  # the levels are those of everybody
  values <- list(start_year = function(d) format(d$first_line_start_date, "%Y"), targeted_drug = function(d) d$targeted_drug)
  for (name in names(values)) {
    v <- factor(values[[name]](x), sort(unique(values[[name]](everybody))))
    for (arm in arms) for (level in levels(v)) {
      n <- sum(v[x$arm == arm] %in% level)
      keep_all(list(n = n, pct = 100 * n / sum(x$arm == arm)), "therapy", cohort, arm, name, level)
    }
    if (any(rowSums(table(v, x$arm) > 0) > 1)) test_arms(v, x$arm, "therapy", cohort, name)
  }
}
differ <- function(x, treated, w) {  # smd by both arms' variances in everybody, and the largest distance of the distribution functions
  mean_of <- function(arm, w) weighted.mean(x[treated == arm], w[treated == arm])
  is_level <- is.logical(x)
  variance <- function(arm) if (is_level) mean(x[treated == arm]) * (1 - mean(x[treated == arm])) else var(x[treated == arm])
  smd <- (mean_of(1, w) - mean_of(0, w)) / sqrt((variance(1) + variance(0)) / 2)
  share <- function(arm, at) sum(w[treated == arm & x <= at]) / sum(w[treated == arm])
  ks <- if (is_level) abs(mean_of(1, w) - mean_of(0, w)) else max(sapply(unique(x), function(at) abs(share(1, at) - share(0, at))))
  list(smd = smd, ks = ks)
}
keep_balance <- function(d, s, cohort, w, covariates) {
  largest <- sapply(names(s$characteristics), function(id) {
    x <- value_of(d, s$characteristics[[id]])
    if (is.factor(x)) x <- with_missing(x)
    parts <- if (is.factor(x)) lapply(setNames(nm = levels(droplevels(x))), function(level) x == level) else list(x)
    if (length(unique(x)) < 2) return(NA)
    max(sapply(seq_along(parts), function(i) {
      found <- differ(parts[[i]], d$treated, w)
      keep_all(found, "balance", cohort, id, if (is.factor(x)) slug(names(parts)[i]))
      abs(found$smd)
    }))
  })
  keep(max(largest, na.rm = TRUE), "balance", cohort, "largest.abs_smd")
  if (length(covariates)) keep(max(largest[covariates], na.rm = TRUE), "balance", cohort, "largest_covariate.abs_smd")
}

# curves, tests and hazard ratios of some patients (with t, e) of a cohort
curve <- function(x, cohort, conf.type = "log") {
  level <- 1 - alpha
  if (!cohort$weighted) return(survfit(Surv(t, e) ~ 1, x, conf.int = level, conf.type = conf.type))
  if (cohort$clustered) survfit(Surv(t, e) ~ 1, x, weights = w, robust = TRUE, cluster = set, conf.int = level)
  else survfit(Surv(t, e) ~ 1, x, weights = w, robust = TRUE, conf.int = level)
}
limits_of_median <- function(s) setNames(as.list(summary(s)$table[c("median", grep("[LU]CL$", names(summary(s)$table), value = TRUE))]),
                                         c("estimate", "ci_low", "ci_high"))
keep_rates <- function(s, rates, ...) for (time in rates) {
  at <- summary(s, times = time, extend = TRUE)
  gone <- time > max(s$time) && min(s$surv) > 0
  values <- list(estimate = at$surv, se = at$std.err, ci_low = at$lower, ci_high = at$upper)
  keep_all(lapply(values, function(value) if (gone) NA else 100 * value), ..., paste0(time, unit))
}
keep_spss_median <- function(s, ...) {  # Collett: the error of the curve at the median over its slope from 0.55 to 0.45
  s <- summary(s)
  near <- 1.5e-8
  at <- which(s$surv <= 0.5 + near)[1]
  from <- tail(which(s$surv >= 0.55 - near), 1)
  to <- which(s$surv <= 0.45 + near)[1]
  slope <- if (length(from)) (s$surv[from] - s$surv[to]) / (s$time[to] - s$time[from]) else NA
  se <- s$std.err[at] / slope
  half <- qnorm(1 - alpha / 2) * se
  keep_all(list(estimate = s$time[at], se = se, ci_low = s$time[at] - half, ci_high = s$time[at] + half), ..., "median_spss")
}
keep_curves <- function(x, cohort, rates, ticks, ...) for (arm in arms) {
  own <- x[x$arm == arm, ]
  if (nrow(own) == 0) next
  s <- curve(own, cohort)
  keep(nrow(own), ..., arm, "patients.n")
  keep(sum(own$e), ..., arm, "events.n")
  keep_all(limits_of_median(s), ..., arm, "median")
  keep_rates(s, rates, ..., arm, "survival")
  if (!cohort$weighted) keep_spss_median(s, ..., arm)
  if (!cohort$weighted) keep_rates(curve(own, cohort, "plain"), rates, ..., arm, "survival_spss")
  for (tick in ticks) {
    left <- own$t <= tick - 1e-9
    counts <- list(at_risk = sum(!left), events = sum(left & own$e), censored = sum(left & !own$e))
    for (name in names(counts)) keep(counts[[name]], ..., arm, name, paste0(tick, unit), "n")
  }
}
keep_logrank <- function(x, group, ...) {
  x$group <- factor(group)
  if (nlevels(x$group) < 2 || !any(x$e)) return(keep(NA, ..., "p"))
  test <- survdiff(Surv(t, e) ~ group, x)
  keep_all(list(chi_square = test$chisq, p = p_of(test$chisq, sum(test$exp > 0) - 1)), ...)
  for (i in seq_len(nlevels(x$group))) {
    name <- levels(x$group)[i]
    keep(test$exp[i], ..., if (name %in% arms) c(name, "events") else c("events", slug(name)), "expected")
  }
}
cox <- function(formula, x, cohort, ties = "efron") {
  asked <- list(formula, x, ties = ties, control = control, x = TRUE, model = TRUE)
  if (cohort$weighted) asked <- c(asked, list(weights = quote(w), robust = TRUE))
  if (cohort$clustered) asked$cluster <- quote(set)
  suppressWarnings(do.call(coxph, asked))
}
alone <- function(cohort) modifyList(cohort, list(weighted = FALSE, clustered = FALSE))  # everybody independent, counted once
runs_away <- function(m) diff(range(m$linear.predictors)) > 15  # to a hazard ratio of 0 or infinity
keep_ratio <- function(m, i, ...) {
  found <- summary(m, conf.int = 1 - alpha)
  p <- found$coefficients[i, "Pr(>|z|)"]
  values <- list(hr = found$conf.int[i, 1], ci_low = found$conf.int[i, 3], ci_high = found$conf.int[i, 4], p = p)
  keep_all(if (runs_away(m)) lapply(values, function(value) NA) else values, ...)
}
keep_proportional <- function(m, row, ...) keep(if (runs_away(m)) NA else cox.zph(m)$table[row, "p"], ..., "p_proportional")
keep_treatment <- function(m, cohort, ...) {
  keep_ratio(m, 1, ...)
  keep_proportional(m, 1, ...)
  if (cohort$weighted && !runs_away(m)) keep_all(list(chi_square = summary(m)$robscore[["test"]], p_score = summary(m)$robscore[["pvalue"]]), ...)
}
keep_comparison <- function(x, cohort, ...) {
  if (!any(x$e) || length(unique(x$treated)) < 2) {
    return(keep_all(list(hr = NA, ci_low = NA, ci_high = NA, p = NA, p_proportional = NA), "cox_treatment", ..., "arm.new"))
  }
  keep_treatment(cox(Surv(t, e) ~ treated, x, cohort), cohort, "cox_treatment", ..., "arm.new")
  if (cohort$clustered && !cohort$weighted) {
    keep_treatment(cox(Surv(t, e) ~ treated, x, alone(cohort)), alone(cohort), "cox_alternative", ..., "pairs_ignored.new")
  }
}
keep_alternatives <- function(x, cohort, ...) {
  by <- c(if (cohort$clustered && !cohort$weighted) "pair", if (length(unique(x$hospital)) > 1) "hospital")
  for (name in by) {
    x$stratum <- if (name == "pair") x$set else x$hospital
    m <- cox(Surv(t, e) ~ treated + strata(stratum), x, if (name == "pair") alone(cohort) else cohort)
    keep_treatment(m, cohort, "cox_alternative", ..., paste0("stratified_by_", name), "new")
    if (cohort$weighted) next
    test <- survdiff(Surv(t, e) ~ treated + strata(stratum), x)
    keep_all(list(chi_square = test$chisq, p = p_of(test$chisq, 1)), "logrank_alternative", ..., paste0("stratified_by_", name))
  }
  keep_treatment(cox(Surv(t, e) ~ treated, x, cohort, "breslow"), cohort, "cox_alternative", ..., "breslow_ties.new")
}
area <- function(s, tau) {
  at <- s$time < tau & s$n.event > 0
  sum(c(1, s$surv[at]) * diff(c(0, s$time[at], tau)))
}
keep_restricted <- function(x, cohort, asked, ...) {
  time <- paste0(asked, unit)
  tau <- min(asked, tapply(x$t, x$arm, max))
  curves <- lapply(setNames(nm = arms), function(arm) curve(x[x$arm == arm, ], cohort))
  keep(tau, ..., "horizon", time, "estimate")
  found <- sapply(curves, function(s) if (cohort$weighted) c(area(s, tau), NA) else summary(s, rmean = tau)$table[c("rmean", "se(rmean)")])
  difference <- found[1, "new"] - found[1, "old"]
  for (arm in arms) keep(found[1, arm], ..., arm, time, "estimate")
  keep(difference, ..., time, "difference")
  if (cohort$weighted) return()
  for (arm in arms) keep(found[2, arm], ..., arm, time, "se")
  se <- sqrt(sum(found[2, ]^2))
  half <- qnorm(1 - alpha / 2) * se
  keep_all(list(se = se, ci_low = difference - half, ci_high = difference + half, p = 2 * pnorm(-abs(difference / se))), ..., time)
}

# regression: one at a time, then together
prepare <- function(x, s, names) {  # the patients of whom all is known, a column per characteristic, the reference first
  values <- lapply(setNames(nm = setdiff(names, "arm")), function(id) {
    v <- value_of(x, s$characteristics[[id]])
    if (is.factor(v) && !is.null(s$characteristics[[id]]$reference)) relevel(v, s$characteristics[[id]]$reference) else v
  })
  known <- Reduce(`&`, lapply(values, function(v) !is.na(v)), rep(TRUE, nrow(x)))
  x <- x[known, ]
  for (id in names(values)) {
    v <- values[[id]][known]
    if (length(unique(v)) < 2 || (is.factor(v) && !any(v == levels(v)[1]))) return(NULL)
    columns <- column_of(v, s$characteristics[[id]], knots[[id]])
    # the columns of a spline are nearly collinear, by which coxph loses digits: others that say the same, equal for equal values
    x[[paste0("c_", id)]] <- if (is.matrix(columns)) (qr.Q(qr(scale(columns))) * sqrt(length(v)))[match(v, v), ] else columns
  }
  x$c_arm <- as.integer(x$arm != if (is.null(s$regression)) "old" else s$regression$all$reference_arm)
  x
}
formula_of <- function(names) as.formula(paste("Surv(t, e) ~", paste0("c_", names, collapse = " + ")))
keep_terms <- function(m, x, s, names, ...) for (k in seq_along(names)) {
  item <- s$characteristics[[names[k]]]
  parts <- if (names[k] == "arm") setdiff(arms, s$regression$all$reference_arm) else parts_of(x[[paste0("c_", names[k])]], item)
  if (is.null(knots[[names[k]]])) for (j in seq_along(parts)) keep_ratio(m, m$assign[[k]][j], ..., names[k], parts[j])
}
keep_alone <- function(x, s, cohort, name, ...) {
  of <- if (name == "arm") factor(x$arm, arms) else value_of(x, s$characteristics[[name]])
  if (is.factor(of)) for (level in levels(of)) keep(sum(of %in% level), ..., name, slug(level), "n")
  own <- prepare(x, s, name)
  if (is.null(own)) return(keep(NA, ..., name, "p"))
  m <- cox(formula_of(name), own, cohort)
  likelihood <- summary(cox(formula_of(name), own, alone(cohort)))$logtest[["pvalue"]]
  p <- if (cohort$weighted) p_of(m$wald.test[[1]], length(coef(m))) else likelihood
  keep_terms(m, own, s, name, ...)
  keep(p, ..., name, "p")
  keep_proportional(m, "GLOBAL", ..., name)
  p
}
keep_together <- function(x, s, cohort, names, model, ...) {
  if (model == "cox_full") s$regression$all$reference_arm <- "old"
  own <- prepare(x, s, names)
  if (is.null(own)) return(keep(NA, model, ..., "arm", setdiff(arms, s$regression$all$reference_arm), "hr"))
  m <- cox(formula_of(names), own, cohort)
  plain <- cox(formula_of(names), own, alone(cohort))
  id <- c(model, ...)
  keep(length(names), id, "covariates.n")
  keep(length(coef(m)), id, "coefficients.n")
  keep(m$nevent, id, "events.n")
  keep_terms(m, own, s, names, id)
  if (cohort$clustered && !cohort$weighted && model == "cox_multivariable") keep_terms(plain, own, s, names, "cox_multivariable_naive", ...)
  for (k in seq_along(names)) if (is.null(knots[[names[k]]])) {
    at <- m$assign[[k]]
    wald <- drop(coef(m)[at] %*% solve(vcov(m)[at, at], coef(m)[at]))
    if (length(at) > 1 && !runs_away(m)) keep(p_of(wald, length(at)), id, names[k], "p")
    keep_proportional(m, k, id, names[k])
  }
  found <- summary(plain)
  tests <- list(likelihood_ratio = found$logtest[["test"]], score = found$sctest[["test"]])
  tests <- c(if (!cohort$weighted) tests, if (!runs_away(m)) list(wald = m$wald.test[[1]]))
  for (test in names(tests)) keep_all(list(chi_square = tests[[test]], p = p_of(tests[[test]], length(coef(m)))), id, "model", test)
  keep_proportional(m, "GLOBAL", id, "model")
  keep_all(setNames(as.list(summary(m)$concordance), c("estimate", "se")), id, "concordance")
}
keep_regression <- function(x, s, cohort, ...) {
  names <- c("arm", names(s$characteristics))
  p <- sapply(names, function(name) {
    found <- keep_alone(x, s, cohort, name, "cox_univariable", ...)
    if (is.numeric(found)) found else NA
  })
  keep_together(x, s, cohort, names, "cox_full", ...)
  keep_together(x, s, cohort, names[names == "arm" | (!is.na(p) & p < numbers(s$regression$all$p_enter))], "cox_multivariable", ...)
}

# a subgroup, and what happens later
keep_subgroup <- function(x, s, cohort, subgroup, rates, ticks, ...) {
  id <- subgroup$characteristic
  x$v <- value_of(x, s$characteristics[[id]])
  for (level in levels(x$v)) {
    own <- x[x$v %in% level, ]
    name <- slug(paste(id, level))
    keep_curves(own, cohort, rates, ticks, "kaplan_meier", ..., name)
    if (!cohort$weighted) keep_logrank(own, own$arm, "logrank", ..., name)
    keep_comparison(own, cohort, ..., name)
  }
  x <- x[!is.na(x$v), ]
  x$v <- droplevels(x$v)
  contrast <- slug(paste(id, paste(rev(levels(value_of(x, s$characteristics[[id]]))), collapse = " vs ")))
  if (!cohort$weighted) for (arm in arms) keep_logrank(x[x$arm == arm, ], x$v[x$arm == arm], "logrank", ..., contrast, arm)
  if (nlevels(x$v) < 2) return()
  both <- cox(Surv(t, e) ~ v + treated + v:treated, x, if (cohort$weighted) cohort else alone(cohort))
  at <- grep(":", names(coef(both)))
  p <- if (cohort$weighted) p_of(drop(coef(both)[at] %*% solve(vcov(both)[at, at], coef(both)[at])), length(at))
  else p_of(2 * (both$loglik[2] - cox(Surv(t, e) ~ v + treated, x, alone(cohort))$loglik[2]), length(at))
  if (!anyNA(coef(both))) keep(p, "interaction", ..., paste0("arm_x_", id), "p")
}
# start-stop rows: at risk from before day 0, or from entry on; a change at or before both counts from then on, one at the end never
split_rows <- function(x, change, entry) {
  from <- ifelse(entry <= 0, -1, entry)
  changes <- ifelse(is.na(change), Inf, change)
  early <- changes <= pmax(from, 0)
  splits <- !early & changes < x$days
  first <- data.frame(row = seq_len(nrow(x)), from, to = ifelse(splits, changes, x$days), event = x$e & !splits, changed = as.integer(early))
  second <- data.frame(row = which(splits), from = changes[splits], to = x$days[splits], event = x$e[splits], changed = rep(1L, sum(splits)))
  rbind(first, second)
}
keep_varying <- function(x, s, name) {
  item <- s$time_varying[[name]]
  s$regression$all$reference_arm <- "old"
  x <- prepare(x, s, c("arm", item$covariates))
  if (!is.null(item$entry_column)) x <- x[!is.na(x[[item$entry_column]]), ]
  change <- if (is.null(item$day_column)) rep(NA, nrow(x)) else as_days(x, item$day_column) - landmark
  entry <- if (is.null(item$entry_column)) rep(0, nrow(x)) else as_days(x, item$entry_column) - landmark
  keep(nrow(x), "time_varying.all", slug(item$endpoint), paste0(name, "_patients"), "n")
  rows <- split_rows(x, change, entry)
  rows <- cbind(rows, x[rows$row, grep("^c_", names(x)), drop = FALSE])
  terms <- c("c_arm", if (!is.null(item$day_column)) "changed", if (length(item$covariates)) paste0("c_", item$covariates))
  m <- suppressWarnings(coxph(as.formula(paste("Surv(from, to, event) ~", paste(terms, collapse = " + "))), rows, control = control, x = TRUE))
  keep_ratio(m, 1, "time_varying.all", slug(item$endpoint), name, "new")
  if (is.null(item$day_column)) return()
  keep_ratio(m, 2, "time_varying.all", slug(item$endpoint), name, "changed")
  early <- rows$row[rows$changed == 1 & rows$from == pmax(-1, rows$from) & !duplicated(rows$row)]
  later <- setdiff(rows$row[rows$changed == 1], early)
  keep_n <- function(who, when) keep(length(who), "time_varying.all", slug(item$endpoint), paste0(name, "_changed"), when, "n")
  keep_n(early, "from_the_start")
  keep_n(later, "during_follow_up")
}

# a whole specification
list_ticks <- function(longest) {
  steps <- if (unit == "m") c(1, 3, 6, 12, 24, 60) else c(1, 2, 4, 13, 26, 52, 104)
  step <- c(steps[longest / steps < 9], steps[length(steps)])[1]
  (0:(longest %/% step + 1)) * step
}
keep_follow_up <- function(x, ...) for (arm in c("", arms)) {
  own <- if (arm == "") x else x[x$arm == arm, ]
  s <- survfit(Surv(t, 1 - e) ~ 1, own, conf.int = 1 - alpha)
  keep_all(limits_of_median(s), "follow_up", ..., if (arm != "") arm, "median")
}
with_times <- function(x, endpoint) {
  x[c("days", "e")] <- follow(x, endpoint)
  x$days <- x$days - landmark
  x$t <- x$days / if (unit == "m") 365.25 / 12 else 7
  x
}
keep_endpoint <- function(cohort, everybody, s, name, is_main) {
  x <- with_times(cohort$data, s$endpoints[[name]])
  ticks <- list_ticks(max(with_times(everybody, s$endpoints[[name]])$t))
  rates <- numbers(s$endpoints[[name]]$rate_times)
  id <- c(cohort$name, slug(name))
  keep_curves(x, cohort, rates, ticks, "kaplan_meier", id)
  if (!cohort$weighted) keep_logrank(x, x$arm, "logrank", id)
  keep_comparison(x, cohort, id)
  keep_alternatives(x, cohort, id)
  keep_restricted(x, cohort, max(rates), "restricted_mean", id)
  if (!cohort$weighted && identical(s$follow_up$all$endpoint, name)) keep_follow_up(x, id)
  if (is_main && !is.null(s$regression)) keep_regression(x, s, cohort, id)
  if (is_main) for (subgroup in s$subgroups) if (subgroup$endpoint == name) keep_subgroup(x, s, cohort, subgroup, rates, ticks, id)
  if (cohort$name == "all") for (item in names(s$time_varying)) if (s$time_varying[[item]]$endpoint == name) keep_varying(x, s, item)
}
keep_cohort <- function(cohort, d, s, is_main) {
  part <- if (cohort$name == "weighted" || is.null(s$matching)) s$weighting else s$matching
  for (arm in c("", arms)) {
    own <- if (arm == "") cohort$data else cohort$data[cohort$data$arm == arm, ]
    describe(own, s, cohort$weighted, "table1", cohort$name, if (arm != "") arm)
  }
  if (!cohort$weighted) for (id in names(s$characteristics)) {
    test_arms(value_of(cohort$data, s$characteristics[[id]]), cohort$data$arm, "table1", cohort$name, id)
  } else keep_sizes(cohort$data, cohort$name)
  if (!cohort$weighted) keep_therapy(cohort$data, d, cohort$name)
  w <- switch(cohort$name, all = rep(1, nrow(d)), matched = d$w, weighted = cohort$data$w)
  keep_balance(d, s, cohort$name, w, part$all$covariates)
  for (name in names(s$endpoints)) keep_endpoint(cohort, d, s, name, is_main)
}
keep_specification <- function(s) {
  alpha <<- numbers(s$study$all$alpha)
  unit <<- if (is.null(s$study$all$time_unit)) "m" else "w"
  landmark <<- if (is.null(s$population$all$landmark_day)) 0 else numbers(s$population$all$landmark_day)
  d <- choose(s)
  knots <<- lapply(s$characteristics, function(item) {
    if (!is.null(item$knots)) suppressWarnings(rcspline.eval(d[[item$column]], nk = numbers(item$knots), knots.only = TRUE))
  })
  cohorts <- list(list(name = "all", data = d, weighted = FALSE, clustered = FALSE))
  if (!is.null(s$matching)) {
    d <- match_sets(d, s)
    cohorts[[2]] <- list(name = "matched", data = d[d$set > 0, ], weighted = numbers(s$matching$all$ratio) > 1, clustered = TRUE)
  }
  if (!is.null(s$weighting)) cohorts[[length(cohorts) + 1]] <- list(name = "weighted", data = weigh(d, s), weighted = TRUE, clustered = FALSE)
  main <- if (length(cohorts) == 1) 1 else 2
  for (i in seq_along(cohorts)) keep_cohort(cohorts[[i]], d, s, i == main)
}
arms <- c("old", "new")
specs <- read.csv("fifty_specs.csv", colClasses = "character", na.strings = "")
for (name in names(controls)) {
  control <- controls[[name]]
  out <- character()
  for (now in unique(specs$specification)) keep_specification(read_one(specs[specs$specification == now, ]))
  controls[[name]]$out <- sub("NaN$", "NA", out)
}
default <- ifelse(controls$as_default$out == controls$value$out, "", sub(".*,", "", controls$as_default$out))
stopifnot(sub(",[^,]*$", "", controls$value$out) == sub(",[^,]*$", "", controls$as_default$out))
writeLines(c("specification,result_id,value,as_default", paste(controls$value$out, default, sep = ",")), "fifty_results.csv")
