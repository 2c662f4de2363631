// What JupyterLab loads of a prebuilt extension: a container of modules as webpack's module federation makes one. Written by
// hand, since there is nothing to bundle: the modules beside this file are plain ones, and the shared ones are JupyterLab's own.
(() => {
  const here = document.currentScript.src;
  let scope = {};
  const shared = async (name) => (await Object.values(scope[name])[0].get())();
  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB["labkit-panel"] = {
    init: (given) => {
      scope = given;
    },
    get: async () => {
      const { plugin } = await import(new URL("extension.js", here));
      const made = await plugin(shared);
      return () => ({ __esModule: true, default: made });
    },
  };
})();
