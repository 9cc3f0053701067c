-- The flow chart of each hospital: patients before a step, removed by it, and left. Grain: one hospital and step.
-- A patient leaves at the first step, in the protocol's order, that is known not to hold.
with steps as (
    select
        hospitals.hospital,
        step.criterion_id,
        step.criterion_order
    from (select distinct hospital from core.eligibility) as hospitals
    cross join marts.eligibility_step as step
),

exits as (
    select
        eligibility.hospital,
        eligibility.patient_id,
        min(case when not eligibility.is_met then step.criterion_order end) as criterion_order
    from core.eligibility as eligibility
    left join marts.eligibility_step as step on eligibility.criterion_id = step.criterion_id
    group by eligibility.hospital, eligibility.patient_id
),

last_steps as (
    select
        exits.hospital,
        exits.patient_id,
        coalesce(
            exits.criterion_order,
            case when elsewhere.is_seen_elsewhere_first then {next_order} end
        ) as criterion_order
    from exits
    left join marts.person_in_two_hospitals as elsewhere on exits.patient_id = elsewhere.patient_id
),

counted as (
    select
        steps.hospital,
        steps.criterion_id,
        steps.criterion_order,
        cast(
            sum(case when last_steps.criterion_order is null or last_steps.criterion_order >= steps.criterion_order then 1 else 0 end)
            as bigint
        ) as n_before,
        cast(sum(case when last_steps.criterion_order = steps.criterion_order then 1 else 0 end) as bigint) as n_removed
    from steps
    inner join last_steps on steps.hospital = last_steps.hospital
    group by steps.hospital, steps.criterion_id, steps.criterion_order
)

select
    hospital,
    criterion_order as step,
    criterion_id,
    n_before,
    n_removed,
    n_before - n_removed as n_after
from counted
