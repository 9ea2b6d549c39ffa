export {
  prepareTerraform,
  type TerraformInstallation,
  type TerraformPlaces,
} from './installation.ts';
export { runTerraform, runTerraformScript } from './process.ts';
export { copyProject } from './project-copy.ts';
export {
  localAwsEnvironment,
  type TerraformBackend,
  TerraformRoot,
  type TerraformRootOptions,
  type TerraformVariables,
} from './root.ts';
export { type SharedProvider, startSharedProvider } from './shared-provider.ts';
