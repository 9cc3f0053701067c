/* Writes sas/clinic.sas7bdat and formats.sas7bcat: the rows of test_stat_files.py as SAS keeps them, codes in the data and what they
 * stand for in a catalogue. No Python library writes these files; ReadStat (Debian's libreadstat-dev) does:
 *     gcc write_sas.c -lreadstat && cd sas && ../a.out
 */
#include <fcntl.h>
#include <readstat.h>
#include <stdlib.h>
#include <unistd.h>

static ssize_t write_bytes(const void *data, size_t size, void *file) { return write(*(int *)file, data, size); }

static void must(readstat_error_t error) {
    if (error != READSTAT_OK) abort();
}

static readstat_writer_t *start(void) {
    readstat_writer_t *writer = readstat_writer_init();
    must(readstat_set_data_writer(writer, &write_bytes));
    return writer;
}

static readstat_variable_t *add(readstat_writer_t *writer, const char *name, const char *label, size_t width, const char *format) {
    readstat_type_t type = width ? READSTAT_TYPE_STRING : READSTAT_TYPE_DOUBLE;
    readstat_variable_t *variable = readstat_add_variable(writer, name, type, width ? width : 8);
    readstat_variable_set_label(variable, label);
    if (format) readstat_variable_set_format(variable, format);
    return variable;
}

static void write_catalogue(void) {
    int file = open("formats.sas7bcat", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    readstat_writer_t *writer = start();
    readstat_label_set_t *sex = readstat_add_label_set(writer, READSTAT_TYPE_DOUBLE, "SEXF");
    readstat_label_double_value(sex, 1, "男");
    readstat_label_double_value(sex, 2, "女");
    must(readstat_begin_writing_sas7bcat(writer, &file));
    must(readstat_end_writing(writer));
    readstat_writer_free(writer);
    close(file);
}

typedef struct {
    const char *number;
    double sex, born; /* born: days since 1960-01-01, as SAS counts */
    double size, albumin;
    const char *afp;
    double lesions;
} row_t;

static const double EMPTY = -1;

static void insert(readstat_writer_t *writer, readstat_variable_t *variable, double value, int is_empty) {
    must(is_empty ? readstat_insert_missing_value(writer, variable) : readstat_insert_double_value(writer, variable, value));
}

static void write_data(void) {
    static const row_t rows[] = {
        {"001", 1, 64, 8.2, 38.1, ">1210", 3},
        {"002", 2, -1462, 4.5, 40.1 + 0.2, "20", EMPTY},
        {"003", EMPTY, 0, 12.0, 41.25, "", 12},
    };
    int file = open("clinic.sas7bdat", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    readstat_writer_t *writer = start();
    readstat_variable_t *number = add(writer, "number", "住院号", 8, NULL), *sex = add(writer, "sex", "性别", 0, "SEXF");
    readstat_variable_t *born = add(writer, "born", "出生日期", 0, "DATE9"), *size = add(writer, "size", "肿瘤最大径(cm)", 0, NULL);
    readstat_variable_t *albumin = add(writer, "albumin", "白蛋白(g/L)", 0, NULL), *afp = add(writer, "afp", "甲胎蛋白(ng/mL)", 8, NULL);
    readstat_variable_t *lesions = add(writer, "lesions", "肝内病灶数", 0, NULL);
    must(readstat_begin_writing_sas7bdat(writer, &file, sizeof rows / sizeof *rows));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        must(readstat_begin_row(writer));
        must(readstat_insert_string_value(writer, number, rows[i].number));
        insert(writer, sex, rows[i].sex, rows[i].sex == EMPTY);
        insert(writer, born, rows[i].born, rows[i].born == 0);
        insert(writer, size, rows[i].size, 0);
        insert(writer, albumin, rows[i].albumin, 0);
        must(readstat_insert_string_value(writer, afp, rows[i].afp));
        insert(writer, lesions, rows[i].lesions, rows[i].lesions == EMPTY);
        must(readstat_end_row(writer));
    }
    must(readstat_end_writing(writer));
    readstat_writer_free(writer);
    close(file);
}

int main(void) {
    write_catalogue();
    write_data();
}
