-- Derived columns that were called like a recorded field, and said something else, have names of their own.
-- A database in which nothing was loaded may lack the tables.
alter table if exists versions.subject rename column age_years to age_at_start_years;
alter table if exists versions.subject rename column start_date to first_line_start_date;
alter table if exists versions.subject rename column tumour_size_cm to tumour_size_from_number_or_text_cm;
alter table if exists versions.subject rename column metastasis_site_number to metastasis_site_number_from_total_or_organs;
alter table if exists versions.subject rename column has_tace to has_tace_with_therapy;
alter table if exists versions.subject rename column child_pugh_class to child_pugh_class_from_points_or_record;
alter table if exists versions.subject rename column pvtt_type to pvtt_type_from_text_or_code;
alter table if exists versions.subject rename column has_portal_hypertension to has_portal_hypertension_from_hvpg_or_flag;
alter table if exists versions.subject rename column last_contact_date to last_contact_or_death_date;
alter table if exists versions.assessment rename column assessment_date to imaging_date;
alter table if exists versions.assessment rename column assessment_days to imaging_days;
alter table if exists versions.assessment rename column target_sum_mm to target_sum_from_lesions_or_record_mm;
alter table if exists versions.assessment rename column has_new_lesion to has_new_lesion_listed_or_recorded;
update main.schema_column
set column_name = renamed.new_name
from (
    values
        ('versions.subject', 'age_years', 'age_at_start_years'),
        ('versions.subject', 'start_date', 'first_line_start_date'),
        ('versions.subject', 'tumour_size_cm', 'tumour_size_from_number_or_text_cm'),
        ('versions.subject', 'metastasis_site_number', 'metastasis_site_number_from_total_or_organs'),
        ('versions.subject', 'has_tace', 'has_tace_with_therapy'),
        ('versions.subject', 'child_pugh_class', 'child_pugh_class_from_points_or_record'),
        ('versions.subject', 'pvtt_type', 'pvtt_type_from_text_or_code'),
        ('versions.subject', 'has_portal_hypertension', 'has_portal_hypertension_from_hvpg_or_flag'),
        ('versions.subject', 'last_contact_date', 'last_contact_or_death_date'),
        ('versions.assessment', 'assessment_date', 'imaging_date'),
        ('versions.assessment', 'assessment_days', 'imaging_days'),
        ('versions.assessment', 'target_sum_mm', 'target_sum_from_lesions_or_record_mm'),
        ('versions.assessment', 'has_new_lesion', 'has_new_lesion_listed_or_recorded')
) as renamed (table_name, old_name, new_name)
where schema_column.table_name = renamed.table_name and schema_column.column_name = renamed.old_name;
