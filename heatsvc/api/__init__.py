"""HTTP: routes, one module a resource, and what they share. The only room that knows of requests and status codes."""
