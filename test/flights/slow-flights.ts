// What the flights job must find, computed slowly and obviously: plain loops over all rows at once, no code of the engine.
//
//   F1. Times: scheduled = time_hour + minute; departed = scheduled + dep_delay; arrived = departed + air_time.
//   F2. An aircraft's departures are taken by departed time, equal times in row order.
//   F3. A row without tailnum counts for its origin and has no aircraft.

import type { FlightRow } from './slow-csv.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

export type OriginWindow = {
  origin: string;
  windowStartMs: number;
  windowEndMs: number;
  flights: number;
  cancelled: number;
  departed: number;
  meanDelayMin: number | null;
};
export type KnockOn = {
  tailnum: string;
  previousFlight: string;
  flight: string;
  atMs: number;
  arrivedLateMin: number;
  departedLateMin: number;
};
export type Lost = { tailnum: string; flight: string; departedAtMs: number };
export type Session = { tailnum: string; startMs: number; lastMs: number; legs: number; airMin: number; distance: number };

export type FlightResults = {
  readonly hourly: OriginWindow[];
  readonly sliding: OriginWindow[];
  readonly 'knock-on': KnockOn[];
  readonly lost: Lost[];
  readonly sessions: Session[];
};

/** All five result sets of the flights job. */
export function slowFlights(rows: readonly FlightRow[]): FlightResults {
  const aircraft = departuresByAircraft(rows);
  return {
    hourly: originWindows(rows, 1),
    sliding: originWindows(rows, 3),
    'knock-on': aircraft.flatMap(knockOns),
    lost: aircraft.flatMap(lostFlights),
    sessions: aircraft.flatMap(sessionsOf),
  };
}

/** Per origin: windows of `hours` hours that start at every full hour, by scheduled time. */
function originWindows(rows: readonly FlightRow[], hours: number): OriginWindow[] {
  const windows = new Map<string, FlightRow[]>();
  for (const row of rows) {
    const hour = Math.floor(row.scheduledMs / HOUR_MS);
    for (let start = hour - hours + 1; start <= hour; start++) {
      const name = `${start} ${row.origin}`;
      if (!windows.has(name)) windows.set(name, []);
      windows.get(name)!.push(row);
    }
  }
  const results: OriginWindow[] = [];
  for (const [name, members] of windows) {
    const startMs = Number(name.split(' ')[0]) * HOUR_MS;
    const departed = members.filter((row) => row.hasDeparted);
    const delays = departed.map((row) => row.depDelayMin).filter((delay) => delay !== null);
    let sum = 0;
    for (const delay of delays) sum += delay;
    results.push({
      origin: members[0]!.origin,
      windowStartMs: startMs,
      windowEndMs: startMs + hours * HOUR_MS,
      flights: members.length,
      cancelled: members.length - departed.length,
      departed: departed.length,
      meanDelayMin: delays.length === 0 ? null : sum / delays.length,
    });
  }
  return results;
}

type Departure = FlightRow & {
  readonly tailnum: string;
  readonly departedMs: number;
  readonly delayMin: number;
  /** Null: no arrival in the data. */
  readonly arrivedMs: number | null;
};

/** The departures of each aircraft, in order (F2). */
function departuresByAircraft(rows: readonly FlightRow[]): Departure[][] {
  const all = new Map<string, Departure[]>();
  for (const row of rows) {
    const { tailnum, depDelayMin: delayMin } = row;
    if (tailnum === null || !row.hasDeparted || delayMin === null) continue;
    const departedMs = row.scheduledMs + delayMin * MINUTE_MS;
    const arrivedMs = row.airMin === null ? null : departedMs + row.airMin * MINUTE_MS;
    if (!all.has(tailnum)) all.set(tailnum, []);
    all.get(tailnum)!.push({ ...row, tailnum, delayMin, departedMs, arrivedMs });
  }
  return [...all.values()].map((departures) => departures.sort((a, b) => a.departedMs - b.departedMs || a.row - b.row));
}

/** Departures at least 15 min late after the previous one had arrived at least 30 min late, at most 12 h before. */
function knockOns(departures: readonly Departure[]): KnockOn[] {
  const alerts: KnockOn[] = [];
  for (let i = 1; i < departures.length; i++) {
    const previous = departures[i - 1]!;
    const now = departures[i]!;
    if (now.delayMin < 15) continue;
    if (previous.arrivedMs === null || previous.arrDelayMin === null || previous.arrDelayMin < 30) continue;
    if (previous.arrivedMs >= now.departedMs || now.departedMs - previous.arrivedMs > 12 * HOUR_MS) continue;
    alerts.push({
      tailnum: now.tailnum,
      previousFlight: previous.flight,
      flight: now.flight,
      atMs: now.departedMs,
      arrivedLateMin: previous.arrDelayMin,
      departedLateMin: now.delayMin,
    });
  }
  return alerts;
}

/** Departures without an arrival. */
function lostFlights(departures: readonly Departure[]): Lost[] {
  return departures
    .filter((departure) => departure.arrivedMs === null)
    .map(({ tailnum, flight, departedMs }) => ({ tailnum, flight, departedAtMs: departedMs }));
}

/** Departures that follow each other by less than 12 h. */
function sessionsOf(departures: readonly Departure[]): Session[] {
  const sessions: Session[] = [];
  let open: Session | null = null;
  for (const departure of departures) {
    if (open === null || departure.departedMs - open.lastMs >= 12 * HOUR_MS) {
      open = { tailnum: departure.tailnum, startMs: departure.departedMs, lastMs: 0, legs: 0, airMin: 0, distance: 0 };
      sessions.push(open);
    }
    open.lastMs = departure.departedMs;
    open.legs += 1;
    open.airMin += departure.airMin ?? 0;
    open.distance += departure.distance ?? 0;
  }
  return sessions;
}
