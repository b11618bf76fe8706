using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Statuses;

namespace CN2.Api.Kubernetes.Requests;

/// <summary>POST to a subresource, such as <c>pods/binding</c>. The answer is a Status of success (201), as in Kubernetes.</summary>
internal sealed class SubresourceCreation(ObjectTransactions transactions)
{
    public async Task PostAsync(HttpContext http, IObjectBinding binding, Subresource subresource, string? ns, string name)
    {
        var answer = await AnswerAsync(http, binding, subresource, ns, name);
        await answer.SendAsync(http);
    }

    private async Task<WriteAnswer> AnswerAsync(HttpContext http, IObjectBinding binding, Subresource subresource, string? ns, string name)
    {
        var (options, unreadable) = WriteOptions.Read(http.Request.Query, "CreateOptions");
        if (unreadable is not null) return unreadable;
        var (body, unread) = await RequestObject.ReadAsync(http, form: null);
        if (unread is not null) return unread;
        if (Metadata.WrongName(body!.Object, name) is { } wrong) return wrong;
        return await transactions.RunAsync(http, binding, name, options!.IsDryRun, false, async (scope, ct) =>
        {
            if (await binding.LockAsync(scope, ns, name, ct) is not { } current) return FailureStatus.NotFound(binding.Definition, name);
            ObjectAudit.Note(scope, binding, current, current.Kept, null, null);
            return await binding.ReplaceSubresourceAsync(scope, subresource.Name, current, new ObjectDraft(ns, name, body.Object), ct) switch
            {
                ObjectOutcome.Refused refused => ObjectTransactions.ToFailure(binding, name, refused, body.Object),
                _ => new WriteAnswer(201, new JsonObject { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Success", ["code"] = 201 }),
            };
        });
    }
}
