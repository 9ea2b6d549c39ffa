import { z } from 'zod';
import type { Pace } from '../aws/pace.ts';
import type { AwsSession } from '../aws/session.ts';
import { InvalidInputError } from '../model/errors.ts';
import type { Amid, Change, ChangeKind, CutOff, Effect, Made, Note, TakenBack, TookBack } from './change.ts';

/** A kind of change that accepts any change, and first parses it with the kind's schema. */
export interface ParsingKind {
  readonly pace: Pace;
  readonly atOnce: number;
  readonly startsTogether: boolean;
  calls(change: Change): number;
  looksAtAll(change: Change): boolean;
  describe(change: Change): string;
  toLookAt(change: Change): string | undefined;
  apply(session: AwsSession, change: Change, note: Note, amid: Amid): Promise<Change>;
  readonly canTakeBack: boolean;
  takeBack(session: AwsSession, change: Change, known: CutOff, tookBack: TookBack): Promise<TakenBack>;
  find(
    session: AwsSession,
    planned: Change,
    since: Date,
    known: readonly Change[],
  ): Promise<Change | 'none' | undefined>;
  readonly canFind: boolean;
  readonly findsByMark: boolean;
  readonly takesLong: boolean;
  readonly endsLater: boolean;
  readonly isPlannedAnyway: boolean;
  namesAll(applied: Change): boolean;
  isVisible(session: AwsSession, applied: Change): Promise<boolean>;
  effects(session: AwsSession, made: readonly Made[]): Promise<readonly (Effect | undefined)[]>;
  readonly canStop: boolean;
  stop(session: AwsSession, applied: Change): Promise<'undone' | 'over' | 'under_way'>;
  leavesTarget(applied: Change): boolean;
  adds(planned: Change): readonly string[];
  removes(applied: Change): readonly string[];
  restsOn(planned: Change): readonly string[];
  inverse(applied: Change): Change | undefined;
  differs(session: AwsSession, applied: Change): Promise<string | undefined>;
  notRestored(applied: Change): string | undefined;
  takesBack(applied: Change): boolean;
}

/**
 * Wraps a kind so that it parses its arguments.
 * @throws InvalidInputError, from each of its functions, if a change does not match the kind's schema
 */
export function parsing<C extends Change>(kind: ChangeKind<C>): ParsingKind {
  const parse = (change: Change): C => {
    const parsed = kind.schema.safeParse(change);
    if (parsed.success) return parsed.data;
    throw new InvalidInputError(
      `not a change of kind ${kind.kind} (resource ${change.resource}): ${z.prettifyError(parsed.error)}`,
      { cause: parsed.error },
    );
  };
  return {
    pace: kind.pace,
    atOnce: kind.atOnce ?? kind.pace.burst,
    startsTogether: kind.startsTogether === true,
    calls: (change) => kind.calls?.(parse(change)) ?? 1,
    looksAtAll: (change) => kind.looksAtAll?.(parse(change)) ?? false,
    describe: (change) => kind.describe(parse(change)),
    toLookAt: (change) => kind.toLookAt?.(parse(change)),
    apply: async (session, change, note, amid) => kind.apply(session, parse(change), note, amid),
    canTakeBack: kind.takeBack !== undefined,
    takeBack: async (session, change, known, tookBack) =>
      (await kind.takeBack?.(session, parse(change), known, tookBack)) ?? { state: 'unconfirmed' },
    find: async (session, planned, since, known) =>
      kind.find?.(session, parse(planned), since, known.map(parse)),
    canFind: kind.find !== undefined,
    findsByMark: kind.findsByMark === true,
    takesLong: kind.takesLong === true,
    endsLater: kind.endsLater === true || kind.takesLong === true,
    isPlannedAnyway: kind.isPlannedAnyway === true,
    namesAll: (applied) => kind.namesAll?.(parse(applied)) ?? true,
    isVisible: async (session, applied) => (await kind.isVisible?.(session, parse(applied))) ?? true,
    effects: async (session, made) =>
      (await kind.effects?.(
        session,
        made.map(({ change, madeAt }) => ({ change: parse(change), madeAt })),
      )) ?? [],
    canStop: kind.stop !== undefined,
    stop: async (session, applied) => (await kind.stop?.(session, parse(applied))) ?? 'over',
    leavesTarget: (applied) => kind.leavesTarget?.(parse(applied)) ?? false,
    adds: (planned) => kind.adds?.(parse(planned)) ?? [],
    removes: (applied) => kind.removes?.(parse(applied)) ?? [],
    restsOn: (planned) => kind.restsOn?.(parse(planned)) ?? [],
    inverse: (applied) => kind.inverse(parse(applied)),
    differs: async (session, applied) => kind.differs?.(session, parse(applied)),
    notRestored: (applied) => kind.notRestored?.(parse(applied)),
    takesBack: (applied) => kind.takesBack?.(parse(applied)) ?? false,
  };
}
