# Draws what fifty.R and test_fifty_reference.py both read: fifty.csv (invented patients) and fifty_specs.csv (fifty specifications of a
# study, one key a row). Run in this folder: Rscript fifty_draw.R, then Rscript fifty.R. R 4.2.2; nothing is drawn anywhere else.
set.seed(50, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")
n <- 300
some <- function(values, p = NULL, size = n) sample(values, size, TRUE, p)
lose <- function(values, share) replace(values, runif(n) < share, NA)

# patients: everybody starts on a day of his own, so that the order of the file is that of the study
d <- data.frame(hospital = some(c("east", "north", "south"), c(0.4, 0.35, 0.25)), source_row = sample(n),
                first_line_start_date = as.Date("2018-01-01") + sort(sample(1500, n)))
d$sex_level <- some(c("Male", "Female"), c(0.7, 0.3))
d$cirrhosis_level <- some(c("No", "Yes"))
d$pvtt_level <- some(c("No", "I-II", "III-IV"), c(0.4, 0.35, 0.25))
d$organs_level <- lose(some(c("Lung", "Other organs", "Lung + other organs"), c(0.5, 0.3, 0.2)), 0.1)
d$hbsag_level <- lose(some(c("Negative", "Positive"), c(0.4, 0.6)), 0.08)
d$age_at_start_years <- round(pmin(pmax(rnorm(n, 57, 11), 25), 84))
d$albumin_g_l <- round(rnorm(n, 38, 5), 1)
d$afp_ng_ml <- pmax(round(exp(rnorm(n, 5, 2.2)), 1), 2)  # a tenth at the detection limit
risk <- 0.5 * (d$pvtt_level == "III-IV") + 0.25 * (d$sex_level == "Male") - 0.03 * (d$albumin_g_l - 38) + 0.08 * log(d$afp_ng_ml)
odds <- 0.4 * (d$pvtt_level != "No") + 0.02 * (d$age_at_start_years - 57) - 0.3 * (d$sex_level == "Male")
d$targeted_drug <- ifelse(runif(n) < plogis(odds - 0.7), "lenvatinib", some(c("sorafenib", "donafenib"), c(0.65, 0.35)))
death <- rexp(n, exp(risk - 0.25 * (d$targeted_drug == "lenvatinib")) / 900)
progression <- rexp(n, exp(risk) / 450)
end <- runif(n, 90, 1100)
coarse <- function(days) ifelse(runif(n) < 0.3, 15 * floor(days / 15), floor(days))  # ties, and some on day 0
d$os_days <- coarse(pmin(death, end))
d$os_event <- death <= end
d$pfs_days <- pmin(coarse(pmin(progression, death, end)), d$os_days)
d$pfs_event <- pmin(progression, death) <= end
d$pfs_days[c(17, 140)] <- NA
has_progressed <- progression <= pmin(death, end)
d$first_progression_days <- ifelse(has_progressed, pmin(floor(progression), d$os_days), NA)
d$has_progressed <- ifelse(has_progressed, TRUE, ifelse(runif(n) < 0.5, NA, FALSE))
d$has_progressed[which(has_progressed)[1:2]] <- NA  # a day without a word on what happened then
d$first_tace_date <- d$first_line_start_date + ifelse(runif(n) < 0.55, floor(rexp(n, 1 / 90)) - 5, NA)
d$entry_days <- lose(floor(pmin(runif(n, -60, 150), pmin(d$os_days, d$pfs_days, na.rm = TRUE) - 1)), 0.03)
for (name in names(d)) if (is.logical(d[[name]])) d[[name]] <- tolower(d[[name]])
write.csv(d, "fifty.csv", row.names = FALSE, na = "", quote = FALSE, fileEncoding = "UTF-8")

# specifications
one <- function(...) sample(c(...), 1)
chance <- function(p) runif(1) < p
quantities <- list(age = list(column = "age_at_start_years", per = 10, cuts = c("60", "50|65"), knots = c(3:7, 7, 7)),
                   albumin = list(column = "albumin_g_l", per = 5, cuts = c("35", "35|40"), knots = 3:6),
                   afp = list(column = "afp_ng_ml", per = 1000, cuts = c("400", "20|400"), knots = 3:4))
levelled <- list(sex = "Male|Female", cirrhosis = "No|Yes", pvtt = "No|I-II|III-IV", organs = "Lung|Other organs|Lung + other organs",
                 hbsag = "Negative|Positive", drug = "sorafenib|lenvatinib|donafenib")
out <- list()
say <- function(part, item = "", ...) {
  given <- c(...)
  out[[length(out) + 1]] <<- data.frame(specification = now, part, item, key = names(given), value = unname(given))
}
say_quantity <- function(id) {
  item <- quantities[[id]]
  kind <- one("line", "cuts", "cuts", "spline", "spline")
  say("characteristics", id, column = item$column)
  if (kind == "cuts") say("characteristics", id, cuts = one(item$cuts), at_cut = one("below", "above"))
  if (kind == "spline") say("characteristics", id, knots = one(item$knots))
  if (kind != "cuts" && (id == "afp" || chance(0.5))) say("characteristics", id, per = item$per)
  kind == "cuts"
}
say_levels <- function(id) {
  say("characteristics", id, column = if (id == "drug") "targeted_drug" else paste0(id, "_level"), levels = levelled[[id]])
  if (chance(0.4)) say("characteristics", id, reference = one(strsplit(levelled[[id]], "|", fixed = TRUE)[[1]]))
  if (id %in% c("organs", "hbsag")) say("characteristics", id, missing = "level")
}
say_arms <- function(kind) {
  old <- function(role, ...) say("arms", c(control = "old", treated = "new")[[role]], role = role, ...)
  if (kind == "two_drugs") {
    say("study", arm_column = "targeted_drug")
    old("control", code = "sorafenib")
    old("treated", code = "lenvatinib")
    say("filters", "two_drugs", column = "targeted_drug", any_of = "sorafenib|lenvatinib")
  } else if (kind == "hbsag") {
    say("study", arm_column = "hbsag_level")
    old("control", code = "Positive")
    old("treated", code = "Negative")
  } else if (kind == "age") {
    old("control", column = "age_at_start_years", below = 62)
    old("treated", column = "age_at_start_years", at_least = 62)
  } else {
    old("control", column = "targeted_drug", none_of = "lenvatinib")
    old("treated", column = "targeted_drug", any_of = "lenvatinib")
  }
}
say_characteristics <- function(arms, landmark) {
  own <- c(two_drugs = "drug", one_drug = "drug", hbsag = "hbsag", age = "age")[[arms]]
  numbers <- sample(setdiff(names(quantities), own), sample(1:2, 1))
  texts <- sample(setdiff(names(levelled), own), sample(2:4, 1))
  has_cuts <- vapply(numbers, say_quantity, NA)
  for (id in texts) say_levels(id)
  if (landmark >= 60) say("characteristics", "tace_by", column = "first_tace_date", is_by_day = "true")
  list(all = c(numbers, texts, if (landmark >= 60) "tace_by"), levels = c(numbers[has_cuts], texts))
}
say_matching <- function(found, covariates) {
  say("matching", "", covariates = covariates, ratio = one(1, 1, 2, 2, 3), scale = one("logit", "logit", "probability"),
      order = one("largest", "largest", "smallest", "data"))
  caliper <- one("sd", "sd", "default", "width", "none")
  if (caliper == "sd") say("matching", "", caliper_sd = one(0.1, 0.25, 0.5))
  if (caliper == "width") say("matching", "", caliper_width = one(0.15, 0.3))
  if (caliper == "none") say("matching", "", caliper_sd = "none")
  exact <- one("none", "hospital", "one", "two", "two")
  names <- switch(exact, hospital = "hospital", one = sample(found$levels, 1), two = sample(c("hospital", found$levels), 2))
  if (exact != "none") say("matching", "", exact = paste(names, collapse = "|"))
}
say_population <- function(landmark, small) {
  if (landmark > 0) say("population", "", landmark_day = landmark)
  if (small) say("population", "", hospitals = one("east", "north"))
  if (!small && chance(0.3)) say("filters", "adults", column = "age_at_start_years", at_least = 30, below = 82)
  if (!small && chance(0.25)) say("filters", "known", column = "organs_level", none_of = "Lung + other organs")
}
say_endpoints <- function(landmark) {
  chosen <- sample(c("OS", "PFS", "TTP"), if (landmark > 0 || chance(0.7)) 1 else 2)
  for (id in chosen) {
    column <- if (id == "TTP") "first_progression_days" else paste0(tolower(id), "_days")
    say("endpoints", id, time_column = column, event_column = if (id == "TTP") "has_progressed" else sub("days", "event", column))
    if (id == "TTP") say("endpoints", id, not_happened = "censored at os_days")
    say("endpoints", id, rate_times = one("6|12", "3|6|24"))
  }
  chosen
}
say_models <- function(endpoints, found) {
  if (chance(0.6)) say("regression", "", reference_arm = one("old", "new"), p_enter = one(0.05, 0.3))
  if (chance(0.4)) say("subgroups", "1", characteristic = sample(found$levels, 1), endpoint = endpoints[1])
  if (chance(0.3)) say("follow_up", "", endpoint = endpoints[1])
  if (chance(0.5)) {
    kind <- one("tace", "entry", "both")
    say("time_varying", kind, endpoint = sample(endpoints, 1))
    if (kind != "entry") say("time_varying", kind, day_column = "first_tace_date")
    if (kind != "tace") say("time_varying", kind, entry_column = "entry_days")
    adjusted <- setdiff(found$all, "tace_by")
    if (chance(0.6)) say("time_varying", kind, covariates = paste(sample(adjusted, min(2, length(adjusted))), collapse = "|"))
  }
}
methods <- sample(rep(c("matching", "iptw", "cut", "overlap", "none", "both"), c(24, 6, 5, 6, 6, 3)))
for (now in seq_along(methods)) {
  arms <- one("two_drugs", "two_drugs", "one_drug", "one_drug", "hbsag", "age")
  landmark <- one(0, 0, 0, 60, 91, 180)
  say("study", "", alpha = one(0.05, 0.05, 0.1, 0.01))
  if (chance(0.2)) say("study", "", time_unit = "week")
  say_arms(arms)
  say_population(landmark, small = landmark == 0 && arms == "one_drug" && chance(0.5))
  endpoints <- say_endpoints(landmark)
  found <- say_characteristics(arms, landmark)
  covariates <- function() paste(sample(found$all, sample(2:min(4, length(found$all)), 1)), collapse = "|")
  if (methods[now] %in% c("matching", "both")) say_matching(found, covariates())
  if (methods[now] %in% c("iptw", "cut", "overlap", "both")) {
    say("weighting", "", covariates = covariates(), method = if (methods[now] %in% c("iptw", "cut")) "iptw" else "overlap")
    if (methods[now] == "cut") say("weighting", "", cut_percentiles = one("1|99", "5|95"))
  }
  say_models(endpoints, found)
}
write.csv(do.call(rbind, out), "fifty_specs.csv", row.names = FALSE, quote = FALSE)
