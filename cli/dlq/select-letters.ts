// Which dead letters a command is about.

import { BadDeclaration } from '../../runtime/base/issues.ts';
import { causeId } from '../../console/dead-letter-groups.ts';
import type { DeadLetterDesk, Decision, FiledLetter } from '../../runtime/dead-letter-desk.ts';
import { stageOf } from '../../runtime/task/redrive-target.ts';

export type Selection = {
  readonly stage?: string;
  readonly code?: string;
  /** As listings and the console name it (console/dead-letter-groups.ts). */
  readonly cause?: string;
  readonly id?: string;
  readonly limit?: number;
  /** Also those about which something was decided. */
  readonly all: boolean;
};

/** `stage`: the one that it belongs to now; the transform's own name when there is none any more. */
export type SelectedLetter = FiledLetter & { readonly stage: string; readonly decision: Decision | null };

/** Oldest first. Throws BadDeclaration when nothing in the job has the name or id that is asked for. */
export async function* selectLetters(desk: DeadLetterDesk, selection: Selection): AsyncGenerator<SelectedLetter> {
  const { stage, code, cause, id, limit = Infinity, all } = selection;
  const decisions = await desk.decisions();
  let [found, given] = [0, 0];
  for await (const filed of desk.letters()) {
    if (given >= limit) return;
    const { letter } = filed;
    const of = stageOf(desk.plan, letter.at)?.id ?? letter.at;
    if ((id !== undefined && id !== filed.id) || (code !== undefined && code !== letter.code)) continue;
    if (cause !== undefined && cause !== causeId(letter)) continue;
    if (stage !== undefined && stage !== of && stage !== letter.at) continue;
    found++;
    const decision = decisions.get(filed.id) ?? null;
    if (decision !== null && !all) continue;
    given++;
    yield { ...filed, stage: of, decision };
  }
  if (found === 0) refuseUnknown(desk, selection);
}

/** A name that is not there is a mistake; one without letters is good news. */
function refuseUnknown(desk: DeadLetterDesk, { stage, cause, id }: Selection): void {
  const names = desk.plan.stages.flatMap(({ id: name, nodes }) => [name, ...nodes.map((node) => node.id)]);
  const issues = [
    ...(id === undefined
      ? []
      : [{ path: '--id', message: `there is no letter ${JSON.stringify(id)}`, fix: 'millrace dlq show tells their ids' }]),
    ...(cause === undefined
      ? []
      : [{ path: '--cause', message: `no letter has the cause ${JSON.stringify(cause)}`, fix: 'millrace dlq list tells causes' }]),
    ...(stage === undefined || names.includes(stage)
      ? []
      : [{ path: '--stage', message: `the job has no stage ${JSON.stringify(stage)}`, fix: `it has ${[...new Set(names)].join(', ')}` }]),
  ];
  if (issues.length > 0) throw new BadDeclaration('millrace dlq', issues);
}
