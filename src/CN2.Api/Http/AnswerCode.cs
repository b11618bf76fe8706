namespace CN2.Api.Http;

/// <summary>The code of a refusal that was answered: one of <see cref="ProblemCodes"/>, or a reason of the Kubernetes API.</summary>
internal sealed record AnswerCode(string Code)
{
    /// <summary>Null: nothing was refused.</summary>
    public static string? Of(HttpContext http) => http.Features.Get<AnswerCode>()?.Code;

    public static void Set(HttpContext http, string code) => http.Features.Set(new AnswerCode(code));
}
