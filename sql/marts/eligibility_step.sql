-- The steps of eligibility in the order of the flow chart: the criteria, then being analysed at another hospital.
-- Grain: one step. A line with the name of a criterion stands once for each one (sql/README.md).
select '{criterion}' as criterion_id, cast({order} as bigint) as criterion_order union all
select 'seen_elsewhere_first' as criterion_id, cast({next_order} as bigint) as criterion_order
