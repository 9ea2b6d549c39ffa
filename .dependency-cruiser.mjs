/**
 * The imports that each folder may have, as in the layout table of docs/architecture.md, for dependency-cruiser. Any other import
 * fails `npm run test:imports`. The parser is `swc`, so that type-only imports count, too.
 */

/** The folders of `lambdas`, and the other folders that each may import. */
const rooms = {
  model: [],
  aws: ['model'],
  changes: ['model', 'aws'],
  rules: ['model', 'aws', 'changes'],
  sources: ['model', 'aws'],
  collector: ['model', 'aws', 'sources', 'rules'],
  remediator: ['model', 'aws', 'changes', 'rules'],
};

/** Parts of the rules that are facts: data, without code that calls AWS. */
const facts = '^lambdas/rules/.*(facts|catalogue|permission|placeholders|runbook)\\.ts$';

const roomRules = Object.entries(rooms).map(([room, others]) => ({
  name: `${room}-imports`,
  comment: `lambdas/${room} may import ${others.length === 0 ? 'no other folder of lambdas' : others.join(', ')}`,
  severity: 'error',
  from: { path: `^lambdas/${room}/` },
  to: { path: '^lambdas/', pathNot: `^lambdas/(${[room, ...others].join('|')})/` },
}));

/** Imports that the command line may have: values, calls to AWS, changes, and the facts of rules. */
const ofCommandLine = `^(cli/|lambdas/(model|aws|changes)/)|${facts}`;

export default {
  forbidden: [
    {
      name: 'no-circle',
      comment: 'No file may import itself, directly or through others.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    ...roomRules,
    {
      name: 'model-needs-only-zod',
      severity: 'error',
      from: { path: '^lambdas/model/' },
      to: { dependencyTypes: ['npm'], pathNot: 'node_modules/zod/' },
    },
    {
      name: 'collector-knows-facts-only',
      comment: "The collector loads the facts of rules, never a rule's code.",
      severity: 'error',
      from: { path: '^lambdas/(collector|sources)/' },
      to: { path: '^lambdas/rules/', pathNot: facts },
    },
    {
      name: 'cli-imports',
      comment: 'The command line may import model, aws, changes and the facts of rules.',
      severity: 'error',
      from: { path: '^cli/' },
      to: { path: '^(lambdas|test|scripts|demo)/', pathNot: ofCommandLine },
    },
    {
      name: 'functions-know-no-command-line',
      severity: 'error',
      from: { path: '^lambdas/' },
      to: { path: '^cli/' },
    },
    {
      name: 'one-door-to-each-source',
      comment: 'Only lambdas/sources/index.ts knows the sources.',
      severity: 'error',
      from: { path: '^lambdas/', pathNot: '^lambdas/sources/(index\\.ts$|netskope/)' },
      to: { path: '^lambdas/sources/[^/]+/' },
    },
    {
      name: 'record-needs-no-runbooks',
      comment: 'Within the remediator, runbooks may import the record, gates both, and none of them a stage.',
      severity: 'error',
      from: { path: '^lambdas/remediator/record/' },
      to: { path: '^lambdas/remediator/(runbooks|gates|stages)/' },
    },
    {
      name: 'runbooks-need-no-gates',
      severity: 'error',
      from: { path: '^lambdas/remediator/runbooks/' },
      to: { path: '^lambdas/remediator/(gates|stages)/' },
    },
    {
      name: 'gates-need-no-stages',
      severity: 'error',
      from: { path: '^lambdas/remediator/gates/' },
      to: { path: '^lambdas/remediator/stages/' },
    },
    {
      name: 'facts-are-data',
      comment: 'Files that the collector, Terraform and the documents load must not call AWS.',
      severity: 'error',
      from: { path: facts },
      to: { path: '^lambdas/(rules/.*(rule|index)\\.ts|aws/)' },
    },
    {
      name: 'product-knows-no-tests',
      severity: 'error',
      from: { path: '^lambdas/' },
      to: { path: '^(test|scripts|demo)/' },
    },
    {
      name: 'unused',
      comment: 'No file imports this file, and it is not an entry point of a function or test.',
      severity: 'error',
      from: {
        path: '^(cli|lambdas)/',
        pathNot: '^(cli|lambdas/(collector|remediator))/index\\.ts$',
        orphan: true,
      },
      to: {},
    },
  ],
  options: {
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.mjs', '.json'] },
  },
};
