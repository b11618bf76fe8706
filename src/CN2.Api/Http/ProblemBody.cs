using System.Text.Json.Serialization;

namespace CN2.Api.Http;

/// <summary>An error (RFC 9457).</summary>
/// <param name="Type"><c>urn:cn2:error:</c> and the code.</param>
/// <param name="Title">The same for all errors with this code.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">What is wrong in this case, and what to do.</param>
/// <param name="Instance">The path of the request.</param>
/// <param name="Code">A stable code, for programs.</param>
/// <param name="Errors">For 400: all faults, by the path of the member, such as <c>ports[0].port</c>; for not-granted: everything that is not granted.</param>
/// <param name="Used">For quota-exceeded: how much the namespace has.</param>
/// <param name="Limit">For quota-exceeded: how much it may have.</param>
public sealed record ProblemBody(
    string Type, string Title, int Status, string Detail, string Instance, string Code,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyDictionary<string, string[]>? Errors,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? Used = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? Limit = null)
{
    public static ProblemBody Of(ApiProblem problem, string path) =>
        new($"urn:cn2:error:{problem.Code}", problem.Title, problem.Status, problem.Detail, path, problem.Code, problem.Errors, problem.Used, problem.Limit);
}
