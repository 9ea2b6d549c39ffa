import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inlineConstantKeys } from '../../../scripts/packaging/lean-dependencies.ts';
import { packageFolder } from '../../../scripts/packaging/licences.ts';
import { unzip, zip } from '../../../scripts/packaging/zip.ts';

describe('a zip', () => {
  const filesArbitrary = fc.dictionary(
    fc.stringMatching(/^[a-z][a-z0-9.-]{0,8}$/),
    fc.uint8Array({ maxLength: 200 }),
    { maxKeys: 6 },
  );

  it('contains the same files when unpacked', () => {
    fc.assert(
      fc.property(filesArbitrary, (files) => {
        const unzipped = unzip(zip(new Map(Object.entries(files))));

        expect(new Set(unzipped.keys())).toEqual(new Set(Object.keys(files)));
        for (const [name, bytes] of unzipped)
          expect(Buffer.from(bytes)).toEqual(Buffer.from(files[name] ?? []));
      }),
    );
  });

  it('is the same for the same files in any order', () => {
    fc.assert(
      fc.property(filesArbitrary, (files) => {
        const entries = Object.entries(files);

        expect(Buffer.from(zip(new Map(entries)))).toEqual(Buffer.from(zip(new Map(entries.reverse()))));
      }),
    );
  });

  it.each(['UTC', 'Pacific/Kiritimati', 'America/Los_Angeles'])('is the same in the time zone %s', (zone) => {
    const files = new Map([['index.mjs', new TextEncoder().encode('export const handler = 1;')]]);
    const expected = zip(files);
    const before = process.env['TZ'];
    process.env['TZ'] = zone;

    const bytes = zip(files);

    process.env['TZ'] = before ?? 'UTC';
    expect(Buffer.from(bytes)).toEqual(Buffer.from(expected));
  });
});

describe('constant keys', () => {
  it('are replaced if the constant is in the file', () => {
    const source = 'const _eN = "ec2QueryName";\nvar a = [3, { [_eN]: _x }];';

    expect(inlineConstantKeys(source)).toBe(
      'const _eN = "ec2QueryName";\nvar a = [3, { "ec2QueryName": _x }];',
    );
  });

  it('remain if it is not', () => {
    const source = 'const _n = 12;\nvar a = { [_n]: 1, [_other]: 2 };';

    expect(inlineConstantKeys(source)).toBe(source);
  });
});

describe("a bundled file's package", () => {
  it.each([
    ['node_modules/zod/v4/core/api.js', 'node_modules/zod'],
    ['node_modules/@smithy/core/dist-es/index.js', 'node_modules/@smithy/core'],
    ['node_modules/a/node_modules/@b/c/index.js', 'node_modules/a/node_modules/@b/c'],
    ['lambdas/model/job.ts', undefined],
  ])('of %s is %s', (file, folder) => {
    expect(packageFolder(file)).toBe(folder);
  });
});
