using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Statuses;

namespace CN2.Api.Kubernetes.Requests;

/// <summary>PUT.</summary>
internal sealed class ObjectReplacement(ObjectTransactions transactions, ObjectUpdate update)
{
    public async Task PutAsync(HttpContext http, IObjectBinding binding, string? ns, string name, string subresource)
    {
        var answer = await AnswerAsync(http, binding, ns, name, subresource);
        await answer.SendAsync(http);
    }

    private async Task<WriteAnswer> AnswerAsync(HttpContext http, IObjectBinding binding, string? ns, string name, string subresource)
    {
        var (options, unreadable) = WriteOptions.Read(http.Request.Query, "UpdateOptions");
        if (unreadable is not null) return unreadable;
        var (body, unread) = await RequestObject.ReadAsync(http, binding.Definition);
        if (unread is not null) return unread;
        var (given, refused) = CheckedBody.Check(http, body!.Object, binding, body.Faults, options!.Validation);
        if (refused is not null) return refused;
        if (Metadata.TextOf(given!, "name") is null) return FailureStatus.BadRequest($"the name of the object (based on the path: {name}) is not in the body: name must be provided");
        var target = new UpdateTarget(binding, ns, name, subresource, options.ManagerOf(http.Request, subresource)) { IsPut = true };
        return await transactions.RunAsync(http, binding, name, options.IsDryRun, false, async (scope, ct) =>
            await binding.LockAsync(scope, ns, name, ct) is { } current
                ? await update.ChangeAsync(scope, target, current, _ => ((System.Text.Json.Nodes.JsonObject)given!.DeepClone(), null), ct)
                : FailureStatus.NotFound(binding.Definition, name));
    }
}
