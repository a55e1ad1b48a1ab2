//! Rows as requests and machines. A database may hold anything: what makes no sense is an error that names
//! table, row and column.

use ohfp_broker::documents::Document;
use ohfp_broker::lookup::Numbered;
use ohfp_broker::machine::Ending;
use ohfp_broker::{
    Error, ErrorKind, Machine, MachineId, MachineState, Request, RequestId, RequestKind, RequestState,
    Result, ShortfallKind, Timestamp, UserData,
};
use rusqlite::Row;
use rusqlite::types::ValueRef;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Columns of a request, in the order that [`request`] reads them.
pub(crate) const REQUEST: &str = "number, id, kind, template_id, provider, requested, weights, \
    launch_fields, user_data, rc_account, provider_api, resource_ids, state, reason, created, updated, \
    deadline, attempt, acknowledged, watch_until, version, open, finished, delivered, shortfall";

/// Columns of a machine, in the order that [`machine`] reads them.
pub(crate) const MACHINE: &str = "number, id, provider, request, template_id, name, state, came_up, \
    ending, returned_by, private_ip, public_ip, instance_type, price_type, units, cores, threads_per_core, \
    rc_account, resource_id, tags, launched, reclaim_at, message, updated, version, account, region, \
    asked, ended, gone";

/// Columns of a document, in the order that [`document`] reads them.
pub(crate) const DOCUMENT: &str = "number, id, bundle, live_until, body";

/// A request from a row of [`REQUEST`].
pub(crate) fn request(row: &Row<'_>) -> Result<Request> {
    let cells = Cells { row, table: "request" };
    Ok(Request {
        id: RequestId::from_text(cells.text(1)?),
        kind: cells.word(2, RequestKind::parse)?,
        template_id: cells.optional_text(3)?,
        provider: cells.optional_text(4)?,
        requested: cells.small(5)?,
        weights: cells.optional_json(6)?,
        launch_fields: cells.optional_text(7)?,
        user_data: cells.optional_text(8)?.map(UserData::new),
        rc_account: cells.optional_text(9)?,
        provider_api: cells.optional_text(10)?,
        resource_ids: cells.optional_json(11)?.unwrap_or_default(),
        state: cells.word(12, RequestState::parse)?,
        reason: cells.optional_text(13)?,
        created: cells.time(14)?,
        updated: cells.time(15)?,
        deadline: cells.time(16)?,
        attempt: cells.small(17)?,
        acknowledged: cells.flag(18)?,
        watch_until: cells.optional_time(19)?,
        version: cells.integer(20)?,
        open: cells.flag(21)?,
        finished: cells.optional_time(22)?,
        delivered: cells.small(23)?,
        shortfall: cells.optional_word(24, ShortfallKind::parse)?,
    })
}

/// A value as the text that a column of its own holds; NULL where it is empty.
pub(crate) fn written(value: &impl Serialize, is_empty: bool) -> Option<String> {
    if is_empty { None } else { serde_json::to_string(value).ok() }
}

/// A machine from a row of [`MACHINE`].
pub(crate) fn machine(row: &Row<'_>) -> Result<Machine> {
    let cells = Cells { row, table: "machine" };
    Ok(Machine {
        id: MachineId::new(cells.text(1)?),
        provider: cells.text(2)?,
        request: RequestId::from_text(cells.text(3)?),
        template_id: cells.text(4)?,
        name: cells.optional_text(5)?,
        state: cells.word(6, MachineState::parse)?,
        came_up: cells.optional_time(7)?,
        ending: cells.optional_word(8, Ending::parse)?,
        returned_by: cells.optional_text(9)?.map(RequestId::from_text),
        private_ip: cells.optional_text(10)?,
        public_ip: cells.optional_text(11)?,
        instance_type: cells.optional_text(12)?,
        price_type: cells.optional_text(13)?,
        units: cells.small(14)?,
        cores: cells.optional_small(15)?,
        threads_per_core: cells.optional_small(16)?,
        rc_account: cells.optional_text(17)?,
        resource_id: cells.optional_text(18)?,
        tags: cells.optional_text(19)?,
        launched: cells.time(20)?,
        reclaim_at: cells.optional_time(21)?,
        message: cells.optional_text(22)?,
        updated: cells.time(23)?,
        version: cells.integer(24)?,
        account: cells.optional_text(25)?,
        region: cells.optional_text(26)?,
        asked: cells.optional_time(27)?,
        ended: cells.optional_time(28)?,
        gone: cells.optional_time(29)?,
    })
}

/// The same, with the number of the row.
pub(crate) fn numbered(row: &Row<'_>) -> Result<Numbered> {
    Ok(Numbered { number: Cells { row, table: "machine" }.integer(0)?, machine: machine(row)? })
}

/// A provider's document from a row of [`DOCUMENT`].
pub(crate) fn document(row: &Row<'_>) -> Result<Document> {
    let cells = Cells { row, table: "document" };
    Ok(Document {
        id: cells.text(1)?,
        group: cells.text(2)?,
        live_until: cells.optional_time(3)?,
        body: cells.text(4)?,
    })
}

/// The values of a row whose first column is its number.
pub(crate) struct Cells<'r> {
    pub(crate) row: &'r Row<'r>,
    pub(crate) table: &'static str,
}

impl Cells<'_> {
    fn value(&self, column: usize) -> Result<ValueRef<'_>> {
        self.row.get_ref(column).map_err(|error| self.nonsense(column, &error.to_string()))
    }

    pub(crate) fn optional_text(&self, column: usize) -> Result<Option<String>> {
        Ok(self.optional_str(column)?.map(str::to_owned))
    }

    pub(crate) fn optional_str(&self, column: usize) -> Result<Option<&str>> {
        match self.value(column)? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err(self.nonsense(column, "text that is not UTF-8")),
            },
            other => Err(self.nonsense(column, type_of(other))),
        }
    }

    pub(crate) fn text(&self, column: usize) -> Result<String> {
        self.optional_text(column)?.ok_or_else(|| self.nonsense(column, "nothing"))
    }

    pub(crate) fn optional_integer(&self, column: usize) -> Result<Option<i64>> {
        match self.value(column)? {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(number) => Ok(Some(number)),
            other => Err(self.nonsense(column, type_of(other))),
        }
    }

    pub(crate) fn integer(&self, column: usize) -> Result<i64> {
        self.optional_integer(column)?.ok_or_else(|| self.nonsense(column, "nothing"))
    }

    pub(crate) fn time(&self, column: usize) -> Result<Timestamp> {
        self.integer(column).map(Timestamp::from_millis)
    }

    pub(crate) fn optional_time(&self, column: usize) -> Result<Option<Timestamp>> {
        Ok(self.optional_integer(column)?.map(Timestamp::from_millis))
    }

    pub(crate) fn small(&self, column: usize) -> Result<u32> {
        self.optional_small(column)?.ok_or_else(|| self.nonsense(column, "nothing"))
    }

    fn optional_small(&self, column: usize) -> Result<Option<u32>> {
        let Some(number) = self.optional_integer(column)? else { return Ok(None) };
        u32::try_from(number).map(Some).map_err(|_| self.nonsense(column, &number.to_string()))
    }

    fn optional_json<T: DeserializeOwned>(&self, column: usize) -> Result<Option<T>> {
        let Some(text) = self.optional_text(column)? else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|error| self.nonsense(column, &error.to_string()))
    }

    fn flag(&self, column: usize) -> Result<bool> {
        match self.integer(column)? {
            0 => Ok(false),
            1 => Ok(true),
            number => Err(self.nonsense(column, &number.to_string())),
        }
    }

    pub(crate) fn optional_word<T>(
        &self,
        column: usize,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(word) = self.optional_str(column)? else { return Ok(None) };
        match parse(word) {
            Some(value) => Ok(Some(value)),
            None => Err(self.nonsense(column, &format!("`{word}`"))),
        }
    }

    pub(crate) fn word<T>(&self, column: usize, parse: impl FnOnce(&str) -> Option<T>) -> Result<T> {
        self.optional_word(column, parse)?.ok_or_else(|| self.nonsense(column, "nothing"))
    }

    fn nonsense(&self, column: usize, found: &str) -> Error {
        let name = self.row.as_ref().column_name(column).unwrap_or("?");
        let row = match self.row.get_ref(0) {
            Ok(ValueRef::Integer(number)) => number.to_string(),
            _ => "?".to_owned(),
        };
        let table = self.table;
        Error::new(
            ErrorKind::Damaged,
            format!("the state store is damaged: table {table}, row {row}: `{name}` cannot be {found}"),
        )
        .hint("`ohfp storage validate` lists all that is wrong; a backup can be put in its place")
    }
}

fn type_of(value: ValueRef<'_>) -> &'static str {
    match value {
        ValueRef::Null => "nothing",
        ValueRef::Integer(_) => "a whole number",
        ValueRef::Real(_) => "a fraction",
        ValueRef::Text(_) => "text",
        ValueRef::Blob(_) => "bytes",
    }
}
