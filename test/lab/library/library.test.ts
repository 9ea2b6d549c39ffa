import { expect, test } from 'vitest';
import { readLibrary } from '../../../scripts/library/compile.ts';
import { libraryCases } from './index.ts';

test('the lab has a case of each rule of the library, and of no others', async () => {
  const library = await readLibrary();

  expect(Object.keys(libraryCases).sort()).toEqual(library.map(({ id }) => id));
  expect(library).toHaveLength(15);
});
