using CN2.Api.Http;
using Microsoft.AspNetCore.Connections;

namespace CN2.Api.Kubernetes.Http;

/// <summary>Marks the connections that came to <c>Kubernetes__Url</c>. Errors are Status objects there.</summary>
internal sealed class KubernetesListener : IProblemForm
{
    private static readonly KubernetesListener Instance = new();

    public string ContentType => "application/json";

    public int StatusOf(ApiProblem problem) => StatusBody.CodeOf(problem);

    public byte[] Write(ApiProblem problem, HttpContext http) => StatusBody.ToBytes(StatusBody.Of(problem, http.Features.Get<StatusSubject>()));

    /// <summary>Connection middleware of the listener.</summary>
    public static ConnectionDelegate Mark(ConnectionDelegate next) => connection =>
    {
        connection.Features.Set<IProblemForm>(Instance);
        return next(connection);
    };

    /// <summary>Whether a request came through <c>Kubernetes__Url</c>.</summary>
    public static bool Has(HttpContext http) => http.Features.Get<IProblemForm>() is KubernetesListener;
}
