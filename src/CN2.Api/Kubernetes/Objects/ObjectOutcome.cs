using CN2.Api.Data;
using CN2.Api.Http;

namespace CN2.Api.Kubernetes.Objects;

/// <summary>What a binding made of a write. A closed set. The writer keeps the row of <c>kubernetes_object</c> afterwards, in the same transaction.</summary>
internal abstract record ObjectOutcome
{
    private ObjectOutcome()
    {
    }

    /// <summary>Of a refusal that names faults by paths of the object: the faults.</summary>
    public IEnumerable<(string Path, string Message)> Faults =>
        this is Refused { Problem.Errors: { } errors, HasObjectPaths: true } ? errors.SelectMany(e => e.Value.Select(m => (e.Key, m))) : [];

    /// <summary>Created or replaced; also when nothing had to be written.</summary>
    /// <param name="Object">As it is now. Without a resource it lives alone. <see cref="BoundObject.Kept"/> is not looked at.</param>
    /// <param name="IsKept">The row of <c>kubernetes_object</c> was written with the resource.</param>
    public sealed record Stored(BoundObject Object, bool IsKept = false) : ObjectOutcome
    {
        /// <summary>The transaction that created it, which is its first version; null: the version is to be read.</summary>
        public WriteMoment? Moment { get; init; }
    }

    /// <summary>Marked for deletion by <c>/v1</c>: it goes when nobody needs it any more.</summary>
    public sealed record Deleting(BoundObject Object) : ObjectOutcome;

    /// <summary>Deleted.</summary>
    public sealed record Gone : ObjectOutcome;

    /// <summary>It cannot be deleted while something uses it: it is marked, and goes when it is free.</summary>
    public sealed record InUse(ApiProblem Problem) : ObjectOutcome;

    /// <summary>Nothing is written.</summary>
    /// <param name="Problem">What is wrong.</param>
    /// <param name="HasObjectPaths">Faults are named by paths of the object; false: by those of the request of <c>/v1</c>, which <see cref="Kinds.ObjectMapping.ToObjectPath"/> translates.</param>
    public sealed record Refused(ApiProblem Problem, bool HasObjectPaths = false) : ObjectOutcome;

    public static implicit operator ObjectOutcome(ApiProblem problem) => new Refused(problem);
}
