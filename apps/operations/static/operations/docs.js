"use strict";

// A key that is typed in here lives as long as this page: nothing is kept in the browser.
window.SwaggerUIBundle({
  dom_id: "#operations",
  url: document.querySelector("#operations").dataset.document,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  persistAuthorization: false,
  queryConfigEnabled: false,
  showExtensions: true,
  validatorUrl: null,
});
