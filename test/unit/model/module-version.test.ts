import { expect, test } from 'vitest';
import { MODULE_VERSION } from '../../../lambdas/model/module-version.ts';
import packageJson from '../../../package.json' with { type: 'json' };

test("the functions' version is the package's version", () => {
  expect(MODULE_VERSION).toBe(packageJson.version);
});
