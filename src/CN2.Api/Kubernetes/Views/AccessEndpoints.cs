using System.Text.Json.Nodes;
using CN2.Api.Access;
using CN2.Api.Kubernetes.Access;
using CN2.Api.Kubernetes.Requests;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Statuses;
using CN2.Api.Kubernetes.Tables;

namespace CN2.Api.Kubernetes.Views;

/// <summary>SelfSubjectAccessReview and SelfSubjectRulesReview: both are answered at once, and nothing is kept.</summary>
internal static class AccessEndpoints
{
    public static void MapAccessReviews(this IEndpointRouteBuilder app)
    {
        var reviews = new AccessReviews(app.ServiceProvider.GetRequiredService<ServedResources>().All);
        Map(app, AccessReviewSchema.Definition, (rights, spec) =>
            spec.Member("resourceAttributes") is null == spec.Member("nonResourceAttributes") is null
                ? (null, new StatusCause(StatusCause.Invalid, "exactly one of nonResourceAttributes or resourceAttributes must be specified", "spec.resourceAttributes"))
                : (reviews.Review(rights, spec), null));
        Map(app, RulesReviewSchema.Definition, (rights, spec) => spec.Text("namespace") is not { } ns
            ? (null, new StatusCause(StatusCause.Required, "Required value: namespace not specified", "spec.namespace"))
            : (reviews.Rules(rights, ns), null));
    }

    private static void Map(IEndpointRouteBuilder app, ResourceDefinition definition, Func<CallerRights, JsonNode?, (JsonObject? Status, StatusCause? Fault)> answer) =>
        app.MapView($"/apis/{definition.ApiVersion}/{definition.Plural}", http => AnswerAsync(http, definition, answer)).WithMetadata(definition);

    private static async Task AnswerAsync(HttpContext http, ResourceDefinition definition, Func<CallerRights, JsonNode?, (JsonObject? Status, StatusCause? Fault)> answer)
    {
        if (!HttpMethods.IsPost(http.Request.Method))
        {
            await ObjectAnswer.WriteAsync(http, FailureStatus.MethodNotAllowed());
            return;
        }

        var (body, unread) = await RequestObject.ReadAsync(http, definition.Schema);
        var (review, refusal) = body is null ? (null, unread) : Review(CallerRights.Of(http), body.Object, definition, answer);
        await (refusal is null ? ObjectAnswer.WriteAsync(http, StatusCodes.Status201Created, review!) : ObjectAnswer.WriteAsync(http, refusal));
    }

    private static (JsonObject? Review, FailureStatus? Refusal) Review(
        CallerRights rights, JsonObject given, ResourceDefinition definition, Func<CallerRights, JsonNode?, (JsonObject? Status, StatusCause? Fault)> answer)
    {
        given.Remove("status"); // clients send an empty one
        var check = ObjectCheck.Check(given, definition.Schema);
        if (check.Faults.Count > 0) return (null, FailureStatus.Invalid(definition, "", [.. check.Faults.Select(StatusCause.Of)]));
        var (status, fault) = answer(rights, check.Object["spec"]);
        if (fault is not null) return (null, FailureStatus.Invalid(definition, "", fault));
        check.Object["apiVersion"] = definition.ApiVersion;
        check.Object["kind"] = definition.Kind;
        if (check.Object["metadata"] is null) check.Object["metadata"] = new JsonObject();
        check.Object["status"] = status;
        return (check.Object, null);
    }
}
