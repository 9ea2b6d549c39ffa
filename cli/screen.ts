import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';
import type { createColors } from 'picocolors';
import pc from 'picocolors';
import { CliError } from './errors.ts';

/** A stream that may be a terminal. */
export type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number };
export type Input = Readable & { readonly isTTY?: boolean };

export type Colors = ReturnType<typeof createColors>;

export interface ScreenOptions {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: Input;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The delay before a spinner appears, in milliseconds. */
const PATIENCE = 1_000;
const DEFAULT_WIDTH = 100;
/** The minimum width, in columns, at which a table is readable. */
const LEAST_WIDTH = 40;

/** Prints results, progress, and questions. Colors and progress appear only on a terminal. */
export class Screen {
  readonly #options: ScreenOptions;
  readonly colors: Colors;
  /** Columns of the terminal, or those that `COLUMNS` names. Undefined: results go to a file or a pipe, and nothing is folded. */
  readonly width: number | undefined;

  constructor(options: ScreenOptions) {
    this.#options = options;
    this.colors = pc.createColors(hasColors(options));
    this.width = widthOf(options);
  }

  /** Writes a result. */
  print(text: string): void {
    this.#options.stdout.write(`${printable(text)}\n`);
  }

  /** Writes a result as JSON. */
  printJson(value: unknown): void {
    const text = JSON.stringify(value, null, 2).replaceAll(
      /[\x7f-\x9f]/g,
      (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
    );
    this.#options.stdout.write(`${text}\n`);
  }

  /** Writes a message that is not part of the result, to stderr. */
  remark(text: string): void {
    this.#options.stderr.write(`${printable(text)}\n`);
  }

  /**
   * Shows progress on a terminal, if the work takes longer than a second.
   * @param work takes a function that reports its progress
   */
  async progress<T>(words: string, work: (say: (words: string) => void) => Promise<T>): Promise<T> {
    const { stderr } = this.#options;
    if (stderr.isTTY !== true) return work(() => undefined);
    const { default: yoctoSpinner } = await import('yocto-spinner');
    // It hides the cursor, and shows it again when it stops, or when Ctrl-C ends the program.
    const spinner = yoctoSpinner({ text: words, stream: stderr });
    const timer = setTimeout(() => spinner.start(), PATIENCE);
    try {
      return await work((now) => {
        spinner.text = now;
      });
    } finally {
      clearTimeout(timer);
      spinner.stop();
    }
  }

  /**
   * Asks for confirmation: the user must type `yes`.
   * @throws CliError `declined` if the answer is different, or there is no terminal
   */
  async confirm(question: string, isYes: boolean): Promise<void> {
    if (isYes) return;
    const { stdin, stderr } = this.#options;
    if (stdin.isTTY !== true) {
      throw new CliError(
        'declined',
        `${question} There is no terminal for the question: add --yes to confirm`,
      );
    }
    const lines = createInterface({ input: stdin, output: stderr });
    // Ctrl-C and Ctrl-D end the question with an error, and the end of the input leaves it open.
    // A last line counts, although the input ends immediately after it.
    const ended = new Promise<string>((resolve) => lines.once('close', () => setImmediate(resolve, '')));
    try {
      const asked = lines.question(`${question} Type "yes" to confirm: `).catch(() => '');
      const answer = await Promise.race([asked, ended]);
      if (answer.trim() !== 'yes') throw new CliError('declined', 'nothing was done');
    } finally {
      lines.close();
    }
  }
}

/**
 * Replaces control characters, except line feeds and the sequences that set colors. Names and tags of resources can contain
 * others, with which whoever may set them could change what a terminal shows or does.
 */
function printable(text: string): string {
  return text.replaceAll(COLOR_OR_CONTROL, (found) =>
    found.length > 1 || found === '\n' ? found : '\ufffd',
  );
}

/** A sequence that sets colors, or any control character. */
const COLOR_OR_CONTROL = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m|\\p{Cc}`, 'gu');

function widthOf({ stdout, environment }: ScreenOptions): number | undefined {
  if (stdout.isTTY === true) return stdout.columns ?? DEFAULT_WIDTH;
  const given = Number(environment['COLUMNS']);
  return given >= LEAST_WIDTH ? given : undefined;
}

/** https://no-color.org and https://force-color.org */
function hasColors({ stdout, environment }: ScreenOptions): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = environment;
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '') return true;
  return stdout.isTTY === true && TERM !== 'dumb';
}
