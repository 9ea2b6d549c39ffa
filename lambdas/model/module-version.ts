/** The version of this module, as `package.json` has it: a finding that failed by an earlier one is attempted at once. */
export const MODULE_VERSION = '0.2.0';
