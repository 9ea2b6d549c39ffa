import { access, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';

const repository = path.resolve(import.meta.dirname, '../../..');

async function markdownFiles(): Promise<readonly string[]> {
  const below = async (folder: string): Promise<readonly string[]> => {
    const files = await readdir(path.join(repository, folder), { recursive: true });
    return files.map((file) => path.join(folder, file));
  };
  const top = await readdir(repository);
  const all = [...top, ...(await Promise.all(['docs', 'examples', 'modules', 'test'].map(below))).flat()];
  return all.filter((file) => file.endsWith('.md') && !/(^|\/)(node_modules|\.terraform)\//.test(file));
}

const withoutCode = (text: string): string => text.replaceAll(/^```.*?^```$/gms, '');

/** The anchors that GitHub creates for headings. */
function anchors(text: string): ReadonlySet<string> {
  const headings = [...withoutCode(text).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** Finds the broken links of a page. */
async function deadLinks(file: string): Promise<readonly string[]> {
  const text = await readFile(path.join(repository, file), 'utf8');
  const links = [...withoutCode(text).matchAll(/\]\((?!https?:|mailto:)([^)\s]*)\)/g)];
  const checks = links.map(async ([, link = '']) => {
    const [target = '', anchor] = link.split('#');
    const place = target === '' ? file : path.join(path.dirname(file), target);
    const exists = await access(path.join(repository, place)).then(
      () => true,
      () => false,
    );
    if (!exists) return [`${file}: ${link}`];
    if (anchor === undefined || !place.endsWith('.md')) return [];
    const known = anchors(await readFile(path.join(repository, place), 'utf8'));
    return known.has(anchor) ? [] : [`${file}: ${link}`];
  });
  return (await Promise.all(checks)).flat();
}

test('every link between documents leads to an existing file and heading', async () => {
  const files = await markdownFiles();

  const dead = (await Promise.all(files.map(deadLinks))).flat();

  expect(files.length).toBeGreaterThan(20);
  expect(dead).toEqual([]);
});

test('the start pages of readers have five questions each, and the README is short', async () => {
  const pages = (await markdownFiles()).filter((file) => /^docs\/for-/.test(file));
  const lines = async (file: string) => (await readFile(path.join(repository, file), 'utf8')).split('\n');

  expect(pages.length).toBe(5);
  for (const page of pages) {
    const questions = (await lines(page)).filter((line) => /^\*\*.*\?\*\*$/.test(line));
    expect(questions.length, page).toBe(5);
    expect((await lines(page)).length, page).toBeLessThanOrEqual(40);
  }
  expect((await lines('README.md')).length).toBeLessThanOrEqual(150);
});

test('the page for security leads has the numbers of the coverage table', async () => {
  const read = (file: string) => readFile(path.join(repository, 'docs', file), 'utf8');
  const covered =
    /has (\d+) predefined AWS rules.* (\d+) are covered by the \d+ built-in rules, (\d+) by the library/s;

  const [, all, builtIn, library] = covered.exec(await read('coverage.md')) ?? [];

  const sum = Number(builtIn) + Number(library);
  expect(await read('for-security-leads.md')).toContain(`${sum} of Netskope's ${all} predefined AWS rules`);
});
