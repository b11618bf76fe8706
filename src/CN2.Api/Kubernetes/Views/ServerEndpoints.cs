using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using CN2.Api.Access;
using CN2.Api.Kubernetes.Requests;
using CN2.Api.Kubernetes.Statuses;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace CN2.Api.Kubernetes.Views;

/// <summary><c>/version</c>, <c>/healthz</c>, <c>/livez</c> and <c>/readyz</c> as Kubernetes has them.</summary>
internal static class ServerEndpoints
{
    /// <summary>The version of Kubernetes whose API this server follows. Clients compare theirs with it.</summary>
    private const string Major = "1", Minor = "34";

    private static readonly JsonObject Version = VersionOf(typeof(ServerEndpoints).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion);

    public static void MapServer(this IEndpointRouteBuilder app)
    {
        app.MapView("/version", http => HttpMethods.IsGet(http.Request.Method) ? ObjectAnswer.WriteAsync(http, 200, Version) : ObjectAnswer.WriteAsync(http, FailureStatus.MethodNotAllowed())).WithMetadata(new OpenToAllAttribute());
        app.MapHealthView("/healthz", http => WriteHealthAsync(http, "healthz", _ => false));
        app.MapHealthView("/livez", http => WriteHealthAsync(http, "livez", _ => false));
        app.MapHealthView("/readyz", http => WriteHealthAsync(http, "readyz", _ => true));
    }

    /// <summary>One word when all is well; what fails, and with <c>?verbose</c> every check. Why a check fails is in the log and at /readyz of the other listener.</summary>
    private static async Task WriteHealthAsync(HttpContext http, string path, Func<HealthCheckRegistration, bool> isMeant)
    {
        if (!HttpMethods.IsGet(http.Request.Method))
        {
            await ObjectAnswer.WriteAsync(http, FailureStatus.MethodNotAllowed());
            return;
        }

        var report = await http.RequestServices.GetRequiredService<HealthCheckService>().CheckHealthAsync(isMeant, http.RequestAborted);
        var isWell = report.Status == HealthStatus.Healthy;
        var text = new StringBuilder();
        if (isWell && !http.Request.Query.ContainsKey("verbose"))
        {
            text.Append("ok");
        }
        else
        {
            text.Append("[+]ping ok\n");
            foreach (var (name, entry) in report.Entries)
                text.Append(entry.Status == HealthStatus.Healthy ? $"[+]{name} ok\n" : $"[-]{name} failed: reason withheld\n");
            text.Append(isWell ? $"{path} check passed\n" : $"{path} check failed\n");
        }

        http.Response.StatusCode = isWell ? StatusCodes.Status200OK : StatusCodes.Status500InternalServerError;
        http.Response.ContentType = "text/plain; charset=utf-8";
        http.Response.Headers.CacheControl = "no-cache, private";
        http.Response.Headers.XContentTypeOptions = "nosniff";
        await http.Response.WriteAsync(text.ToString(), http.RequestAborted);
    }

    private static JsonObject VersionOf(string product) => new()
    {
        ["major"] = Major,
        ["minor"] = Minor,
        ["gitVersion"] = $"v{Major}.{Minor}.0+cn2-{product}",
        ["gitCommit"] = "",
        ["gitTreeState"] = "clean",
        ["buildDate"] = "1970-01-01T00:00:00Z",
        ["goVersion"] = "",
        ["compiler"] = RuntimeInformation.FrameworkDescription,
        ["platform"] = $"linux/{(RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "arm64" : "amd64")}",
    };
}
