namespace CN2.Api.Http;

/// <summary>What was found while the body was read; <see cref="RequestValidation"/> answers with it.</summary>
internal sealed class RequestFindings
{
    public FaultList Faults { get; } = new();
    public ApiProblem? Refusal { get; set; }

    /// <summary>The resource's name in the body.</summary>
    public string? Name { get; set; }

    public static RequestFindings Of(HttpContext http)
    {
        if (http.Features.Get<RequestFindings>() is { } findings) return findings;
        findings = new RequestFindings();
        http.Features.Set(findings);
        return findings;
    }
}
