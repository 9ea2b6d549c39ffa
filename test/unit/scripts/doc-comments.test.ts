import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';

const repository = path.resolve(import.meta.dirname, '../../..');

/** Words that a doc comment must not begin with, because a noun or verb is more direct. */
const banned = new RegExp(
  `^(?:${[
    'What|Whatever|Whether|How|Where|When|Which|Whichever|Who|Whom|Whose|Why',
    'It|Its|They|Their|This|That|These|Those|Such|Some|Something|Someone|Any|Anything|Anyone',
    'Everything|Nothing|None|Nobody|Other|Others',
    'After|Also|As|At|Before|Beside|Between|By|For|From|In|Instead|Of|On|Outside|Over|Per|To|Under|Until|Up|With|Within|Without',
    'Although|And|Because|But|If|Once|Or|Since|So|Unless|While',
    'Far|Further|Here|Longer|Mostly|Not|Now|Only|Quick|Then|There|Together',
  ].join('|')})\\b`,
);

async function sources(folder: string): Promise<readonly string[]> {
  const files = await readdir(path.join(repository, folder), { recursive: true });
  return files.filter((file) => file.endsWith('.ts')).map((file) => path.join(folder, file));
}

/** Lists the doc comments of a file, each with its line and its text on one line. */
async function docComments(file: string): Promise<readonly { place: string; text: string }[]> {
  const code = await readFile(path.join(repository, file), 'utf8');
  return [...code.matchAll(/\/\*\*(.*?)\*\//gs)].map(({ index, 1: comment = '' }) => ({
    place: `${file}:${code.slice(0, index).split('\n').length}`,
    text: comment.replaceAll(/\s*\n\s*\*?/g, ' ').trim(),
  }));
}

test.each([
  ['cli'],
  ['lambdas'],
  ['test/lab'],
  ['test/chaos'],
  ['scripts'],
  ['demo'],
  ['test/unit'],
  ['test/integration'],
  ['test/e2e'],
])('doc comments in %s begin with a noun or a verb', async (folder) => {
  const comments = (await Promise.all((await sources(folder)).map(docComments))).flat();

  expect(comments.length).toBeGreaterThan(20);
  expect(comments.filter(({ text }) => banned.test(text))).toEqual([]);
});
