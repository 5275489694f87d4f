//! Tables as text that spreadsheets read: RFC 4180, in UTF-8, with a header line. Excel takes what
//! has no byte order mark for the encoding of the country where it was bought.

use crate::problem::Problem;

/// The content type of a table.
pub const TYPE: &str = "text/csv; charset=utf-8";

/// The mark that says that what follows is UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// What begins a formula in a spreadsheet; the wide ones do where people write Japanese.
const FORMULA_STARTS: [char; 11] =
    ['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// A field.
pub enum Field<'a> {
    /// What somebody wrote: it never begins a formula.
    Text(&'a str),
    /// What this program made, such as an amount or an instant.
    Plain(String),
}

/// A table being written. A field is quoted where it has to be, and a line ends with CR and LF.
pub struct Table(csv::Writer<Vec<u8>>);

impl Table {
    /// A table with this header line.
    pub fn new(header: &[&str]) -> Result<Table, Problem> {
        let writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(BYTE_ORDER_MARK.into());
        let mut table = Table(writer);
        table.0.write_record(header).map_err(Problem::internal)?;
        Ok(table)
    }

    /// Adds a line.
    pub fn line(&mut self, fields: &[Field<'_>]) -> Result<(), Problem> {
        for field in fields {
            match field {
                Field::Text(text) => self.0.write_field(harmless(text)),
                Field::Plain(text) => self.0.write_field(text),
            }
            .map_err(Problem::internal)?;
        }
        self.0.write_record(None::<&[u8]>).map_err(Problem::internal)
    }

    /// The bytes of the table.
    pub fn finish(self) -> Result<Vec<u8>, Problem> {
        self.0.into_inner().map_err(Problem::internal)
    }
}

/// A text that no spreadsheet takes for a formula: one that would begin it gets an apostrophe.
fn harmless(text: &str) -> String {
    let apostrophe = if text.starts_with(FORMULA_STARTS) { "'" } else { "" };
    format!("{apostrophe}{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(field: Field<'_>, expected: &str) {
        let mut table = Table::new(&["a", "b"]).unwrap();
        table.line(&[field, Field::Plain("-1.00".to_owned())]).unwrap();
        let bytes = table.finish().unwrap();
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            format!("\u{feff}a,b\r\n{expected},-1.00\r\n")
        );
    }

    #[test]
    fn fields_are_quoted_where_they_have_to_be() {
        check(Field::Text("Rental of node32_slice_1"), "Rental of node32_slice_1");
        check(Field::Text("a, b"), "\"a, b\"");
        check(Field::Text("\"a\""), "\"\"\"a\"\"\"");
        check(Field::Text("a\r\nb"), "\"a\r\nb\"");
        check(Field::Text("Côte d’Ivoire"), "Côte d’Ivoire");
        check(Field::Text(""), "");
    }

    #[test]
    fn no_text_begins_a_formula() {
        check(Field::Text("=1+1"), "'=1+1");
        check(Field::Text("+1"), "'+1");
        check(Field::Text("-1"), "'-1");
        check(Field::Text("@SUM(A1)"), "'@SUM(A1)");
        check(Field::Text("\t=1"), "'\t=1");
        check(Field::Text("\r=1"), "\"'\r=1\"");
        check(Field::Text("=HYPERLINK(\"x\",\"y\")"), "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"");
        check(Field::Text("\n=1"), "\"'\n=1\"");
        check(Field::Text("\u{ff1d}1+1"), "'\u{ff1d}1+1");
        check(Field::Text("a=1"), "a=1");
        check(Field::Plain("-3".to_owned()), "-3");
    }
}
