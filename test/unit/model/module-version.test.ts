import { expect, test } from 'vitest';
import { MODULE_VERSION } from '../../../lambdas/model/module-version.ts';
import packageJson from '../../../package.json' with { type: 'json' };

test('the version that the functions know is that of the package', () => {
  expect(MODULE_VERSION).toBe(packageJson.version);
});
