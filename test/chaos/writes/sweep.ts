import { FAULTS, type FaultName, runSubject, type SubjectResult } from './run-subject.ts';
import { LIBRARY_SUBJECTS, SUBJECTS, type Subject } from './subjects.ts';

/** The result of a write with a fault. */
export interface Cell {
  readonly fault: FaultName;
  readonly thenExempt: boolean;
  readonly result: SubjectResult;
}

/** A write of a rule, and its result under each fault. */
export interface Row {
  readonly subject: Subject;
  /** The number in a run without faults, from 0, and the operation. */
  readonly write: number;
  readonly operation: string;
  readonly cells: readonly Cell[];
}

const faultNames: readonly FaultName[] = Object.keys(FAULTS).flatMap((name) => (isFault(name) ? name : []));

function isFault(name: string): name is FaultName {
  return Object.hasOwn(FAULTS, name);
}

/** The writes that remediate a violation, from a run without faults. @throws Error if that run has a problem */
export async function writesOf(subject: Subject): Promise<readonly string[]> {
  const { writes, problems, trace } = await runSubject(subject);
  if (problems.length === 0) return writes;
  throw new Error(`${subject.rule}, ${subject.what}: ${[...problems, ...trace].join('\n')}`);
}

/** Applies every fault to every write of a subject, with a usual next attempt, and with the resource exempt by then. */
export async function sweep(subject: Subject): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const [write, operation] of (await writesOf(subject)).entries()) {
    const cells: Cell[] = [];
    for (const fault of faultNames) {
      for (const thenExempt of [false, true]) {
        cells.push({ fault, thenExempt, result: await runSubject(subject, { write, fault, thenExempt }) });
      }
    }
    rows.push({ subject, write, operation, cells });
  }
  return rows;
}

function wordOf({ problems, unconfirmed, outcome }: SubjectResult): string {
  if (problems.length > 0) return 'WRONG';
  return `${outcome?.outcome}${unconfirmed > 0 ? ', unconfirmed' : ''}`;
}

/** Text for what an undo restores after any of the faults. */
function undoWords(cells: readonly Cell[]): string {
  const left = new Set(cells.flatMap(({ result }) => result.notUndone));
  if (left.size === 0) return 'restores everything';
  return `cannot restore what AWS’s document changed (${[...left].join('; ')}), says so, and restores what direct calls changed`;
}

/** The table rule × write × fault, in Markdown. A cell: the outcome, then the one with the resource exempt. */
export function tableLines(rows: readonly Row[]): string[] {
  return [
    `| rule | violation | write | ${faultNames.join(' | ')} | undo |`,
    `| --- | --- | --- | ${faultNames.map(() => '---').join(' | ')} | --- |`,
    ...rows.map(({ subject, operation, cells }) => {
      const words = faultNames.map((name) =>
        cells
          .filter(({ fault }) => fault === name)
          .map(({ result }) => wordOf(result))
          .join('; '),
      );
      return `| ${subject.rule} | ${subject.what} | ${operation} | ${words.join(' | ')} | ${undoWords(cells)} |`;
    }),
  ];
}

/** Lists the problems, one per line. */
export function problemLines(rows: readonly Row[]): string[] {
  return rows.flatMap(({ subject, write, operation, cells }) =>
    cells.flatMap(({ fault, thenExempt, result }) =>
      result.problems.map(
        (problem) =>
          `${subject.rule}, ${subject.what}: ${operation} (${write}) ${fault}${thenExempt ? ', then exempt' : ''}: ${problem}`,
      ),
    ),
  );
}

/** Prints the table of all rules. @returns whether every record is true */
export async function printSweep(write: (line: string) => void): Promise<boolean> {
  const subjects = [...SUBJECTS, ...LIBRARY_SUBJECTS];
  const rows: Row[] = [];
  for (const subject of subjects) rows.push(...(await sweep(subject)));
  const problems = problemLines(rows);
  const cells = rows.flatMap((row) => row.cells);
  for (const line of tableLines(rows)) write(line);
  write('');
  write(
    `${rows.length} writes of ${new Set(subjects.map(({ rule }) => rule)).size} rules, ${cells.length} runs with a fault: ${problems.length} wrong, ${cells.filter(({ result }) => result.unconfirmed > 0).length} unconfirmed`,
  );
  for (const problem of problems) write(problem);
  return problems.length === 0;
}
