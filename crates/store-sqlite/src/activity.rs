//! What happened within a window of time: one look at what was not over when the window began.

use ohfp_broker::activity::{Activity, Collector, MachineFacts, RequestFacts, Window};
use ohfp_broker::{Ending, MachineState, RequestKind, RequestState, Result, ShortfallKind};

use crate::rows::Cells;
use crate::session::Session;
use crate::store::SqliteStore;

/// More rows than this are read in the order of the table: from an index, each one is looked for by itself.
const MOST_BY_INDEX: i64 = 50_000;

const REQUEST: &str = "number, kind, template_id, provider, state, requested, delivered, shortfall, created, finished, \
    CASE WHEN state IN ('partial','failed') THEN reason END";

const MACHINE: &str = "number, template_id, provider, region, instance_type, price_type, state, units, asked, launched, \
    came_up, ending, returned_by IS NOT NULL, ended, gone, CASE WHEN ending = 'released' THEN message END";

impl SqliteStore {
    /// What happened within a window, and what there is now.
    ///
    /// # Errors
    ///
    /// As [`Self::open_with`].
    pub fn activity(&self, window: &Window) -> Result<Activity> {
        let mut collector = Collector::new(*window);
        self.read(|session| collect(session, window, &mut collector))?;
        Ok(collector.finish())
    }
}

fn collect(session: &Session<'_>, window: &Window, collector: &mut Collector) -> Result<()> {
    let since = window.since().millis();
    let requests = Source {
        table: "request",
        columns: REQUEST,
        open: "request INDEXED BY request_unfinished WHERE state IN ('recorded','started')",
        over: "request INDEXED BY request_finished WHERE finished IS NOT NULL AND finished >= ?1",
        either: "state IN ('recorded','started') OR finished >= ?1",
    };
    requests.each(session, since, |cells| {
        collector.request(&request(cells)?);
        Ok(())
    })?;
    let machines = Source {
        table: "machine",
        columns: MACHINE,
        open: "machine INDEXED BY machine_left WHERE state <> 'terminated'",
        over: "machine INDEXED BY machine_gone WHERE gone IS NOT NULL AND gone >= ?1",
        either: "state <> 'terminated' OR gone >= ?1",
    };
    machines.each(session, since, |cells| {
        collector.machine(&machine(cells)?);
        Ok(())
    })
}

/// A table, and the rows of it that were not over at some time.
struct Source {
    table: &'static str,
    columns: &'static str,
    /// Rows that are not over.
    open: &'static str,
    /// Rows that ended since then.
    over: &'static str,
    /// Both.
    either: &'static str,
}

impl Source {
    fn each(
        &self,
        session: &Session<'_>,
        since: i64,
        mut take: impl FnMut(&Cells<'_>) -> Result<()>,
    ) -> Result<()> {
        let Self { table, columns, open, over, either } = *self;
        let count = format!("SELECT count(*) FROM (SELECT 1 FROM {over} LIMIT {MOST_BY_INDEX} + 1)");
        let mut read = |row: &rusqlite::Row<'_>| take(&Cells { row, table });
        if session.number(&count, [since])? > MOST_BY_INDEX {
            let all = format!("SELECT {columns} FROM {table} NOT INDEXED WHERE {either}");
            return session.prepare(&all)?.each([since], read);
        }
        session.prepare(&format!("SELECT {columns} FROM {open}"))?.each([], &mut read)?;
        session.prepare(&format!("SELECT {columns} FROM {over}"))?.each([since], &mut read)
    }
}

fn request<'c>(cells: &'c Cells<'_>) -> Result<RequestFacts<'c>> {
    Ok(RequestFacts {
        kind: cells.word(1, RequestKind::parse)?,
        template: cells.optional_str(2)?.unwrap_or_default(),
        provider: cells.optional_str(3)?.unwrap_or_default(),
        state: cells.word(4, RequestState::parse)?,
        requested: cells.small(5)?,
        delivered: cells.small(6)?,
        shortfall: cells.optional_word(7, ShortfallKind::parse)?,
        created: cells.time(8)?,
        finished: cells.optional_time(9)?,
        reason: cells.optional_str(10)?,
    })
}

fn machine<'c>(cells: &'c Cells<'_>) -> Result<MachineFacts<'c>> {
    Ok(MachineFacts {
        template: cells.optional_str(1)?.unwrap_or_default(),
        provider: cells.optional_str(2)?.unwrap_or_default(),
        region: cells.optional_str(3)?,
        instance_type: cells.optional_str(4)?,
        price_type: cells.optional_str(5)?,
        state: cells.word(6, MachineState::parse)?,
        units: cells.small(7)?,
        asked: cells.optional_time(8)?,
        launched: cells.time(9)?,
        came_up: cells.optional_time(10)?,
        ending: cells.optional_word(11, Ending::parse)?,
        returned: cells.integer(12)? != 0,
        ended: cells.optional_time(13)?,
        gone: cells.optional_time(14)?,
        message: cells.optional_str(15)?,
    })
}
