using CN2.Api.Http;

namespace CN2.Api.Services;

internal static class ServiceProblems
{
    public static string What(string ns, string name) => $"Service {ns}/{name}";

    public static ApiProblem Missing(string ns, string name) => ApiProblem.NotFound(What(ns, name));

    public static ApiProblem Exists(string ns, string name) => ApiProblem.AlreadyExists(What(ns, name));
}
