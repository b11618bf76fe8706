namespace CN2.Api.Http;

/// <summary>The form of problems on the Kubernetes listener, where every refusal is a Status.</summary>
internal interface IProblemForm
{
    /// <summary>The body, as <c>application/json</c>, and its status code.</summary>
    (int Status, byte[] Body) Write(HttpContext http, ApiProblem problem);
}
