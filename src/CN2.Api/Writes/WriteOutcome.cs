using CN2.Api.Data;
using CN2.Api.Http;
using CN2.Api.Json;

namespace CN2.Api.Writes;

/// <summary>What a decision about a write came to; <see cref="WritePipeline"/> turns it into commit or rollback and the answer.</summary>
public abstract record WriteOutcome
{
    private WriteOutcome()
    {
    }

    /// <summary>201 with Location.</summary>
    /// <param name="Resource">As it is now.</param>
    /// <param name="Moment">The transaction that made it, where somebody asks for it.</param>
    public sealed record Created(ResourceBody Resource, WriteMoment? Moment = null) : WriteOutcome;

    /// <summary>200: changed, or found unchanged.</summary>
    public sealed record Saved(ResourceBody Resource) : WriteOutcome;

    /// <summary>202: marked for deletion.</summary>
    public sealed record Deleting(ResourceBody Resource) : WriteOutcome;

    /// <summary>204: deleted.</summary>
    public sealed record Gone : WriteOutcome;

    /// <summary>200 with another body (a batch).</summary>
    /// <param name="Body">The answer.</param>
    /// <param name="Resources">What was written, as it is now; null: the path names all of it.</param>
    public sealed record Done(object Body, IReadOnlyList<ResourceBody>? Resources = null) : WriteOutcome;

    /// <summary>The problem is the answer, and nothing is written.</summary>
    public sealed record Refused(ApiProblem Problem) : WriteOutcome;

    public static implicit operator WriteOutcome(ApiProblem problem) => new Refused(problem);

    /// <summary>The answer of a write whose transaction has ended.</summary>
    internal Microsoft.AspNetCore.Mvc.IActionResult ToResult()
    {
        var (answer, refused) = ToAnswer();
        return refused is null ? answer! : new ProblemResult(refused);
    }

    internal Conclusion ToAnswer() => this switch
    {
        Created c => new(Answer.Resource(StatusCodes.Status201Created, c.Resource), null),
        Saved s => new(Answer.Resource(StatusCodes.Status200OK, s.Resource), null),
        Deleting d => new(Answer.Resource(StatusCodes.Status202Accepted, d.Resource), null),
        Gone => new(Answer.NoContent, null),
        Done d => new(Answer.Json(StatusCodes.Status200OK, d.Body), null),
        Refused r => new(null, r.Problem),
        _ => throw new InvalidOperationException($"No answer for {GetType().Name}"),
    };

    internal readonly record struct Conclusion(Answer? Answer, ApiProblem? Refused);
}
